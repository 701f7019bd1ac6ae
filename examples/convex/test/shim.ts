// Serves the functions of ../convex over Convex's HTTP API, from memory (convex-test runs them for real).
// Prints its port on the first line of its output. POST /_reset {"videos": [{twitchId, status?}]} starts anew.
import { createServer, IncomingMessage } from "node:http";
import { AddressInfo } from "node:net";
import { convexTest, TestConvex } from "convex-test";
import { makeFunctionReference } from "convex/server";
import { ConvexError } from "convex/values";
import schema from "../convex/schema";
import * as status from "../convex/status";
import * as video from "../convex/video";

const KEY = process.env.SHIM_DEPLOY_KEY;
const modules = {
  "../convex/_generated/api.js": async () => ({}), // convex-test finds the root of the functions by this name
  "../convex/schema.ts": async () => ({ default: schema }),
  "../convex/status.ts": async () => status,
  "../convex/video.ts": async () => video,
};

type Row = { twitchId: string; status?: status.Status };
type Reply = [status: number, body: unknown];
type Registered = { isPublic?: boolean; isQuery?: boolean; isMutation?: boolean };

let backend: TestConvex<typeof schema> = convexTest(schema, modules);

async function reset(rows: Row[]): Promise<Reply> {
  backend = convexTest(schema, modules);
  await backend.run(async (ctx) => {
    for (const row of rows) await ctx.db.insert("videos", row);
  });
  return [200, {}];
}

async function call(kind: string, authorization: string | undefined, body: any): Promise<Reply> {
  const admin = KEY !== undefined && authorization === `Convex ${KEY}`;
  if (authorization !== undefined && !admin) return [401, { code: "BadAdminKey", message: "invalid key" }];
  const found = lookUp(String(body.path));
  // As in Convex: without the key an internal function looks like a missing one.
  if (!found?.isPublic && !(found && admin)) return [200, failure("Could not find public function")];
  if (kind === "query" ? !found.isQuery : !found.isMutation) return [200, failure(`not a ${kind}`)];
  try {
    return [200, { status: "success", value: await run(kind, body), logLines: [] }];
  } catch (error) {
    const data = error instanceof ConvexError ? { errorData: error.data } : {};
    return [200, { ...failure(String((error as Error).message)), ...data }];
  }
}

function lookUp(path: string): Registered | undefined {
  const [module, name] = path.split(":");
  return module === "video" ? (video as Record<string, unknown>)[name ?? ""] as Registered : undefined;
}

function failure(errorMessage: string) {
  return { status: "error", errorMessage, logLines: [] };
}

async function run(kind: string, { path, args }: { path: string; args: any }): Promise<unknown> {
  return kind === "query"
    ? await backend.query(makeFunctionReference<"query">(path), args)
    : await backend.mutation(makeFunctionReference<"mutation">(path), args);
}

async function read(request: IncomingMessage): Promise<any> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

async function answer(request: IncomingMessage): Promise<Reply> {
  const body = await read(request);
  if (request.url === "/_reset") return await reset(body.videos);
  const kind = /^\/api\/(query|mutation)$/.exec(request.url ?? "")?.[1];
  return kind ? await call(kind, request.headers.authorization, body) : [404, { code: "NotFound" }];
}

const server = createServer(async (request, response) => {
  const [code, body] = await answer(request).catch((error): Reply => [400, { message: String(error) }]);
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
process.stdin.on("end", () => process.exit(0)).resume(); // ends with whoever started it
