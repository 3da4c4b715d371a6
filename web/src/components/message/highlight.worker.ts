import { spansOf } from "../../lib/highlight/spans";

onmessage = async ({ data }: MessageEvent<{ id: number; code: string; word: string }>) => {
  postMessage({ id: data.id, found: await spansOf(data.code, data.word).catch(() => []) });
};
