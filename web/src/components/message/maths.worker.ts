import { mathsTree } from "../../lib/maths/tree";

onmessage = ({ data }: MessageEvent<{ id: number; tex: string; display: boolean }>) => {
  postMessage({ id: data.id, found: mathsTree(data.tex, data.display) });
};
