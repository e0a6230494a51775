import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';

const root = resolve(import.meta.dirname, '..');

const frameSchema = v.object({
  functionName: v.string(),
  url: v.string(),
  lineNumber: v.number(),
  columnNumber: v.number(),
});
/** A processor profile of V8, as the inspector and `--cpu-prof` give it. */
export const profileSchema = v.object({
  nodes: v.array(v.object({ id: v.number(), callFrame: frameSchema, children: v.optional(v.array(v.number())) })),
  samples: v.optional(v.array(v.number()), []),
  timeDeltas: v.optional(v.array(v.number()), []),
});
type Profile = v.InferInput<typeof profileSchema>;
export type Frame = v.InferOutput<typeof frameSchema>;

/** Where time was spent: the frames, the innermost first, and the microseconds in that one itself. */
export interface SelfTime {
  stack: readonly Frame[];
  microseconds: number;
}

/** The times of a profile by their stacks. */
export function selfTimes({ nodes, samples = [], timeDeltas = [] }: Profile): SelfTime[] {
  const times = new Map<number, number>();
  for (const [index, id] of samples.entries()) times.set(id, (times.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  return [...times].map(([leaf, microseconds]) => {
    const stack: Frame[] = [];
    for (let id: number | undefined = leaf; id !== undefined; id = parents.get(id)) {
      const frame = byId.get(id)?.callFrame;
      if (frame !== undefined) stack.push(frame);
    }
    return { stack, microseconds };
  });
}

/** The path of a frame's file as seen from the project; of another file, the URL as it is. */
export function pathOf({ url }: Pick<Frame, 'url'>): string {
  return url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url;
}

/** The package, the project's file or the part of Node that a frame is of. */
export function placeOf(frame: Pick<Frame, 'url' | 'functionName'> | undefined): string {
  const { url, functionName } = frame ?? { url: '', functionName: '' };
  if (url === '') return functionName === '' ? '(native)' : functionName;
  if (!url.startsWith('file:')) return url.replace(/^node:internal\/(\w+).*/, 'node:internal/$1');
  const path = pathOf({ url });
  return /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path;
}

/** The seconds of processor time, user and system. */
export function cpuSeconds({ user, system }: { user: number; system: number }): number {
  return (user + system) / 1_000_000;
}
