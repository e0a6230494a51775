import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { cpuSeconds } from './profile.ts';

/** Where the processes of a run write what they have used. */
export const folderVariable = 'BENCH_TESTS_FOLDER';
const fileName = 'records.jsonl';

const common = {
  pid: v.number(),
  /** The processor seconds of the process until now, all threads. */
  seconds: v.number(),
  /** Those of the child processes that it has seen end. */
  childSeconds: v.number(),
  /** What the process has had in memory at most until now. */
  megabytes: v.number(),
};
const recordSchema = v.variant('of', [
  /** A test file, at its end. One process runs many. */
  v.object({ of: v.literal('file'), ...common, file: v.string(), tests: v.number(), wallSeconds: v.number() }),
  /** The process that runs vitest itself, after the global setups. */
  v.object({ of: v.literal('packaged'), ...common }),
  /** The same at its end. */
  v.object({ of: v.literal('vitest'), ...common }),
]);
export type RunRecord = v.InferOutput<typeof recordSchema>;
type Of<Kind> = Kind extends unknown ? Omit<Kind, keyof typeof common> : never;

/** Writes down what this process has used until now. */
export function record(what: Of<RunRecord>): void {
  const used = {
    pid: process.pid,
    seconds: cpuSeconds(process.cpuUsage()),
    childSeconds: childSeconds(),
    megabytes: process.resourceUsage().maxRSS / 1024,
  };
  appendFileSync(join(process.env[folderVariable] ?? '', fileName), `${JSON.stringify({ ...used, ...what })}\n`);
}

/** What was written down in a folder, in this order. */
export function recordsIn(folder: string): RunRecord[] {
  const lines = readdirSync(folder).includes(fileName) ? readFileSync(join(folder, fileName), 'utf8').split('\n') : [];
  return lines.filter((line) => line !== '').map((line) => v.parse(recordSchema, JSON.parse(line)));
}

/**
 * The processor seconds of child processes: all of those that have ended, and what the others have used so far. Node has no call
 * for it; where there is no `/proc`, they are not counted.
 */
function childSeconds(): number {
  if (process.platform !== 'linux') return 0;
  const living = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const used = living.map((name) => {
    const { parent, own } = usedBy(name);
    return parent === process.pid ? own : 0;
  });
  return used.reduce((sum, seconds) => sum + seconds, usedBy('self').ofChildren);
}

/** What a process has used, in seconds; nothing of one that is gone. */
function usedBy(process: string): { parent: number; own: number; ofChildren: number } {
  try {
    const stat = readFileSync(join('/proc', process, 'stat'), 'utf8');
    // What stands before is its name, which may have blanks.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11).map((ticks) => ticks / 100);
    return { parent, own: user + system, ofChildren: childUser + childSystem };
  } catch {
    return { parent: 0, own: 0, ofChildren: 0 };
  }
}
