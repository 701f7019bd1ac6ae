// The calls that the transcription service makes. The writes are internal functions: over HTTP they need
// the deploy key, so that nobody else who knows the deployment's URL can change a video.
import {
  DataModelFromSchemaDefinition,
  GenericQueryCtx,
  internalMutationGeneric,
  MutationBuilder,
  QueryBuilder,
  queryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import schema, { urlFields } from "./schema";
import { mayFollow, mayFollowRun, remembered, Run, statusValidator } from "./status";

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
const query = queryGeneric as QueryBuilder<DataModel, "public">;
const internalMutation = internalMutationGeneric as MutationBuilder<DataModel, "internal">;

const NO_SUCH_VIDEO = { success: false, changed: false };

// Everything but the bookkeeping; null when there is no such video.
export const getByTwitchIdPublic = query({
  args: { twitchId: v.string() },
  handler: async (ctx, { twitchId }) => {
    const video = await find(ctx, twitchId);
    if (video === null) return null;
    const { _id, _creationTime, transcription, ...shown } = video;
    return shown;
  },
});

// Success means that the video exists and its status is this one or a later one.
export const updateStatusByTwitchId = internalMutation({
  args: { twitchId: v.string(), status: statusValidator },
  handler: async (ctx, { twitchId, status }) => {
    const video = await find(ctx, twitchId);
    if (video === null) return NO_SUCH_VIDEO;
    const changed = mayFollow(video.status, status);
    if (changed) await ctx.db.patch(video._id, { status });
    return { success: true, changed };
  },
});

// URLs that are not named stay as they are.
export const updateUrls = internalMutation({
  args: { twitchId: v.string(), urls: v.object(urlFields) },
  handler: async (ctx, { twitchId, urls }) => {
    const video = await find(ctx, twitchId);
    if (video === null) return NO_SUCH_VIDEO;
    await ctx.db.patch(video._id, urls);
    return { success: true, changed: true };
  },
});

const runArguments = { twitchId: v.string(), generation: v.string(), run: v.number() };

// Looks and writes in one transaction, so that nothing can come between.
export const updateStatusIfEarlier = internalMutation({
  args: { ...runArguments, status: statusValidator },
  handler: async (ctx, { twitchId, status, ...args }) => {
    const video = await find(ctx, twitchId);
    if (video === null) return NO_SUCH_VIDEO;
    const run = checked(status === "Failed" ? { ...args, ended: "failed" } : args);
    const changed = mayFollowRun(video.status, status, run, video.transcription);
    const transcription = remembered(run, video.transcription);
    await ctx.db.patch(video._id, changed ? { status, transcription } : { transcription });
    return { success: true, changed };
  },
});

// A success: takes the URLs unless a newer run is known, remembers the run as succeeded, and brings a status
// that missed the start to Transcribing.
export const updateUrlsIfNewer = internalMutation({
  args: { ...runArguments, urls: v.object(urlFields) },
  handler: async (ctx, { twitchId, urls, ...args }) => {
    const video = await find(ctx, twitchId);
    if (video === null) return NO_SUCH_VIDEO;
    const run = checked({ ...args, ended: "succeeded" });
    const transcription = remembered(run, video.transcription);
    const changed = transcription.generation === run.generation && transcription.run === run.run;
    if (!changed) return { success: true, changed };
    const started = mayFollowRun(video.status, "Transcribing", run, video.transcription);
    const status = started ? ("Transcribing" as const) : video.status;
    await ctx.db.patch(video._id, { ...urls, transcription, status });
    return { success: true, changed };
  },
});

async function find(ctx: GenericQueryCtx<DataModel>, twitchId: string) {
  return await ctx.db
    .query("videos")
    .withIndex("by_twitchId", (q) => q.eq("twitchId", twitchId))
    .unique();
}

function checked(run: Run): Run {
  if (!/^[0-9]{1,20}$/.test(run.generation)) throw new ConvexError("generation must be decimal digits");
  if (!Number.isSafeInteger(run.run) || run.run < 1) throw new ConvexError("run must be 1 or more");
  return run;
}
