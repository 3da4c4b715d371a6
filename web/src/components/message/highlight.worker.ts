import { spansOf } from "../../lib/highlight/spans";

onmessage = async ({ data }: MessageEvent<{ id: number; code: string; word: string }>) => {
  const spans = await spansOf(data.code, data.word).catch(() => []);
  postMessage({ id: data.id, spans });
};
