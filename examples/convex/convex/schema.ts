import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { runValidator, statusValidator } from "./status";

export const urlFields = {
  video_url: v.optional(v.string()),
  audio_url: v.optional(v.string()),
  waveform_url: v.optional(v.string()),
  transcript_url: v.optional(v.string()),
  transcriptWords_url: v.optional(v.string()),
  chat_url: v.optional(v.string()),
  analysis_url: v.optional(v.string()),
};

export default defineSchema({
  videos: defineTable({
    twitchId: v.string(),
    status: v.optional(statusValidator),
    // The newest run of the transcription service that this row has heard of.
    transcription: v.optional(runValidator),
    ...urlFields,
  }).index("by_twitchId", ["twitchId"]),
});
