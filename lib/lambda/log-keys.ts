import * as v from 'valibot';

/** What an invocation is about, as far as its event says so: in every log line, so that one query finds all of a subscriber. */
export interface LogKeys {
  userName?: string;
  executionArn?: string;
  correlationId?: string;
}

// An event is logged before anything has checked it: only what can be a name or an ARN may get into a log.
const userName = v.fallback(v.optional(v.pipe(v.string(), v.regex(/^[\w-]{1,34}$/))), undefined);
const executionArn = v.fallback(
  v.optional(v.pipe(v.string(), v.regex(/^arn:[\w-]+:states:[\w-]+:\d{12}:execution:[\w-]{1,80}:[^\s:"]{1,80}$/))),
  undefined,
);
const correlationId = v.fallback(v.optional(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,128}$/))), undefined);
const about = v.fallback(v.optional(v.object({ userName })), undefined);

/** The places where events have them: a plan, a machine's input, an EventBridge event, and a path of the HTTP API. */
const eventSchema = v.fallback(
  v.object({
    plan: v.fallback(v.optional(v.object({ subscriber: about, executionArn, correlationId })), undefined),
    request: v.fallback(
      v.optional(
        v.object({ subscriber: about, origin: v.fallback(v.optional(v.object({ correlationId })), undefined) }),
      ),
      undefined,
    ),
    executionArn,
    detail: v.fallback(v.optional(v.object({ subscriber: about, executionArn, correlationId })), undefined),
    pathParameters: about,
  }),
  {},
);

/** @param event whatever a function was invoked with */
export function logKeysOf(event: unknown): LogKeys {
  const { plan, request, detail, pathParameters, ...rest } = v.parse(eventSchema, event);
  const subscriber = plan?.subscriber ?? request?.subscriber ?? detail?.subscriber ?? pathParameters;
  const arn = plan?.executionArn ?? rest.executionArn ?? detail?.executionArn;
  const id = plan?.correlationId ?? request?.origin?.correlationId ?? detail?.correlationId;
  return {
    ...(subscriber?.userName !== undefined && { userName: subscriber.userName }),
    ...(arn !== undefined && { executionArn: arn }),
    ...(id !== undefined && { correlationId: id }),
  };
}
