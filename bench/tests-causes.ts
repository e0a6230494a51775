import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Frame, pathOf } from './profile.ts';

export const causes = [
  'boot',
  'cold threads',
  'schedules',
  'polling',
  'HTTP',
  'packaging',
  'modules',
  'garbage collection',
  'child processes',
  'without a profile',
  'the run itself',
] as const;
export type Cause = (typeof causes)[number];

/** The kinds of threads that a run has: vitest's own, those that run test files, and those that run functions. */
export type ThreadKind = 'vitest' | 'tests' | 'functions';

/**
 * What a thread was busy for, from the frames of a sample, the innermost first.
 * @returns undefined when it was not busy, or with native code that no frame stands for
 */
export function causeOf(stack: readonly Frame[], kind: ThreadKind): Cause | undefined {
  const [leaf] = stack;
  if (leaf?.functionName === '(idle)' || leaf?.functionName === '(program)') return undefined;
  if (leaf?.functionName === '(garbage collector)') return 'garbage collection';
  const frames = stack.map((frame) => ({ name: frame.functionName, path: pathOf(frame), isModule: isModule(frame) }));
  return causesOf[kind](frames);
}

interface Place {
  name: string;
  path: string;
  isModule: boolean;
}

/** Whether it is the code of a whole module of the project, which vitest makes a function of its one line before the first. */
const isModule = ({ functionName, lineNumber, columnNumber }: Frame) =>
  functionName === '' && lineNumber === 0 && columnNumber < 0;

const nodeHttp = /^node:(_http|http|net$|_stream|internal\/(streams|http|net|stream_base|deps\/undici|webstreams))/;
const nodeModules = /^node:internal\/(modules|bootstrap|main|vm)/;
const isLoading = ({ name, path, isModule }: Place) =>
  isModule || nodeModules.test(path) || name === 'compileForInternalLoader';

/** The functions that rules with a schedule run. */
const scheduled = scheduledFunctions();

function scheduledFunctions(): ReadonlySet<string> {
  const folder = resolve(import.meta.dirname, '..', 'functions');
  const isScheduled = (name: string) => {
    const resources = join(folder, name, 'resources.yml');
    return existsSync(resources) && readFileSync(resources, 'utf8').includes('ScheduleExpression:');
  };
  return new Set(readdirSync(folder).filter(isScheduled));
}

const causesOf: Readonly<Record<ThreadKind, (frames: readonly Place[]) => Cause>> = {
  vitest: (frames) =>
    frames.some(({ path }) => /^(build\/|node_modules\/esbuild\/|node:internal\/fs\/cp\/)/.test(path))
      ? 'packaging'
      : 'modules',

  functions(frames) {
    if (frames.some(({ path }) => scheduled.has(/\/([\w-]+)\.cjs$/.exec(path)?.[1] ?? ''))) return 'schedules';
    for (const [index, frame] of frames.entries()) {
      if (isLoading(frame) || /^(instantiate|scriptOf|shareCompiled|evalScript)$/.test(frame.name))
        return 'cold threads';
      if (nodeHttp.test(frame.path) && !frames.slice(0, index).some(isWork)) return 'HTTP';
    }
    return 'the run itself';
  },

  tests(frames) {
    for (const [index, frame] of frames.entries()) {
      if (isLoading(frame)) return 'modules';
      const isOwn = !frames.slice(0, index).some(isWork);
      const cause = ofProject(frame, isOwn);
      if (cause !== undefined) return cause;
      if (isOwn && nodeHttp.test(frame.path)) return 'HTTP';
    }
    const isVitest = frames.some(({ path }) => path.startsWith('node_modules/vitest/'));
    return isVitest && !frames.some(isWork) ? 'modules' : 'the run itself';
  },
};

/** Whether a frame is of something that Node and vitest only carry: what surrounds it has not caused it. */
const isWork = ({ path }: Place) =>
  path !== '' && !path.startsWith('node:') && !/^node_modules\/(vitest|vite)\//.test(path);

/** What a frame of the project decides. @param isOwn whether it has called nothing but Node and vitest */
function ofProject({ name, path }: Place, isOwn: boolean): Cause | undefined {
  switch (path) {
    case 'sandbox/boot.ts':
      return /^(bootSandbox|deploy|makeFixtures|newPassword)$/.test(name) ? 'boot' : undefined;
    case 'sandbox/deploy-package.ts':
    case 'sandbox/services/lambda/function-resource.ts':
    case 'sandbox/services/lambda/unpack.ts':
      return 'boot';
    case 'sandbox/services/dynamodb/service.ts':
      return name === 'createTable' ? 'boot' : undefined;
    case 'sandbox/services/lambda/threads.ts':
      return /^(startThread|bundleWorker)$/.test(name) ? 'cold threads' : undefined;
    case 'sandbox/core/clock.ts':
      // What a timer runs, the clock has not caused.
      if (name === 'runDue') return 'the run itself';
      return /^(progress|quiet|checkIdle|)$/.test(name) ? 'polling' : undefined;
    case 'test/workflow/sandbox.ts':
      return name === 'eventually' ? 'polling' : undefined;
    case 'cli/aws/executions.ts':
      return name === 'follow' ? 'polling' : undefined;
    default:
      return isOwn && path.startsWith('sandbox/http/') ? 'HTTP' : undefined;
  }
}
