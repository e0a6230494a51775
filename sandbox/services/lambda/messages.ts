import * as v from 'valibot';

const requestId = v.string();
const environmentId = v.string();

/** What a thread needs to make an execution environment of a function. */
const environmentSchema = v.object({
  /** The path of the bundle, and the name of its export. */
  bundle: v.string(),
  exportName: v.string(),
  /** What V8 has compiled of the bundle in another thread. */
  compiled: v.optional(v.instance(Uint8Array<ArrayBuffer>)),
  variables: v.record(v.string(), v.string()),
  logFile: v.string(),
  /** The sandbox's clock: see `timeOf`. */
  clock: v.instance(SharedArrayBuffer),
  skipsIdle: v.boolean(),
});

/** What a thread is sent. */
export const orderSchema = v.variant('type', [
  v.object({ type: v.literal('prepare'), environmentId, environment: environmentSchema }),
  v.object({
    type: v.literal('invoke'),
    environmentId,
    requestId,
    payload: v.string(),
    functionName: v.string(),
    functionArn: v.string(),
    deadline: v.number(),
  }),
  /** An environment was frozen for so long that the flows of its connections are dropped. */
  v.object({ type: v.literal('freeze'), environmentId }),
  /** The clock was turned forward. */
  v.object({ type: v.literal('catch up') }),
  /** The sandbox of these environments is closed. */
  v.object({ type: v.literal('forget'), environmentIds: v.array(environmentId) }),
]);

/** What a thread answers. */
export const reportSchema = v.variant('type', [
  /** The function runs from now on. */
  v.object({ type: v.literal('started'), requestId }),
  v.object({ type: v.literal('result'), requestId, result: v.string() }),
  v.object({ type: v.literal('error'), requestId, error: v.string() }),
  /** What V8 has compiled of a bundle, for other threads. */
  v.object({ type: v.literal('compiled'), bundle: v.string(), compiled: v.instance(Uint8Array) }),
  /** The local ports of the flows that an environment had open when it was frozen. */
  v.object({ type: v.literal('frozen'), environmentId, ports: v.array(v.number()) }),
  /** The timers that had come due have run. */
  v.object({ type: v.literal('caught up') }),
  /** The function waits for nothing but its timers, the first of which is due then; or for nothing that will ever come. */
  v.object({ type: v.literal('asleep'), requestId, due: v.optional(v.number()) }),
  /** It was asleep, and goes on by itself. */
  v.object({ type: v.literal('awake'), requestId }),
]);

export type EnvironmentDefinition = v.InferOutput<typeof environmentSchema>;
export type Order = v.InferOutput<typeof orderSchema>;
export type Report = v.InferOutput<typeof reportSchema>;
