// The order of a video's status, and which status may follow which. Pure: no database here.
import { Infer, v } from "convex/values";

export const statusValidator = v.union(
  v.literal("Queued"),
  v.literal("Downloading"),
  v.literal("Processing audio"),
  v.literal("Generating waveform"),
  v.literal("Transcribing"),
  v.literal("Fetching chat"),
  v.literal("Analyzing"),
  v.literal("Finding highlights"),
  v.literal("Generating visualizations"),
  v.literal("Finalizing analysis"),
  v.literal("Completed"),
  v.literal("Failed"),
);
export type Status = Infer<typeof statusValidator>;

const FAILED = "Failed";
const ORDER: Status[] = statusValidator.members.map((member) => member.value);

// One try at one generation of a video's audio. `ended` is set by a success or a failure.
export const runValidator = v.object({
  generation: v.string(), // 64 bits: text, since a Convex number is exact to 2**53 only
  run: v.number(),
  ended: v.optional(v.union(v.literal("succeeded"), v.literal("failed"))),
});
export type Run = Infer<typeof runValidator>;

// For callers that name no run. Every step of the pipeline may fail, so Failed follows all but Completed;
// whoever writes over Failed has decided to start again.
export function mayFollow(current: Status | undefined, wanted: Status): boolean {
  if (current === undefined || current === FAILED) return current !== wanted;
  if (wanted === FAILED) return current !== "Completed";
  return ORDER.indexOf(current) < ORDER.indexOf(wanted);
}

// For the transcription service, which names its run. `known` is the newest run that the row has seen.
// Failed goes over nothing after Transcribing, and is lifted only by a run after the one of ours that failed.
export function mayFollowRun(
  current: Status | undefined,
  wanted: Status,
  run: Run,
  known: Run | undefined,
): boolean {
  const age = known === undefined ? 1 : compareRuns(run, known);
  if (age < 0) return false;
  if (age === 0 && known?.ended === "failed") return false;
  if (age === 0 && known?.ended === "succeeded" && endsOrStarts(wanted)) return false;
  if (current === FAILED) return age > 0 && known?.ended === "failed" && wanted !== FAILED;
  const limit = wanted === FAILED ? "Fetching chat" : wanted;
  return current === undefined || ORDER.indexOf(current) < ORDER.indexOf(limit);
}

function endsOrStarts(wanted: Status): boolean {
  return wanted === FAILED || wanted === "Transcribing";
}

// What the row knows after it heard of a run: the first end of a run stands, an older run changes nothing.
export function remembered(run: Run, known: Run | undefined): Run {
  const age = known === undefined ? 1 : compareRuns(run, known);
  if (known === undefined || age > 0) return run;
  return age === 0 && known.ended === undefined ? run : known;
}

// Below zero when `a` is older than `b`. A newer generation is newer than any run of an older one.
export function compareRuns(a: Run, b: Run): number {
  const [left, right] = [BigInt(a.generation), BigInt(b.generation)];
  if (left !== right) return left < right ? -1 : 1;
  return a.run - b.run;
}
