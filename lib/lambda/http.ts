import type { Logger } from '@aws-lambda-powertools/logger';
import * as v from 'valibot';
import { InvalidRequest } from '../errors.ts';
import type { Fault } from '../faults.ts';
import { parseWhole } from '../parse.ts';
import { correlationIdSchema, type Origin, unknownRequester } from '../plans/origin.ts';

/** The parts that are read of an HTTP API's request (payload format 2.0). */
export const bodySchema = v.object({
  body: v.optional(v.string(), ''),
  isBase64Encoded: v.optional(v.boolean(), false),
});

const texts = v.optional(v.record(v.string(), v.string()), {});

/**
 * The parts that are read of a request which starts something. Header names are in lower case. A caller who invokes the function itself may leave out
 * who calls.
 */
export const callSchema = v.object({
  ...bodySchema.entries,
  pathParameters: texts,
  queryStringParameters: texts,
  headers: texts,
  requestContext: v.optional(
    v.object({
      requestId: v.optional(correlationIdSchema),
      authorizer: v.optional(v.object({ iam: v.optional(v.object({ userArn: v.nullish(v.string()) })) })),
    }),
    {},
  ),
});

export type HttpCall = v.InferOutput<typeof callSchema>;

/** An HTTP API's response (payload format 2.0). */
export interface HttpResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

export function jsonResponse(statusCode: number, body: object, headers: Record<string, string> = {}): HttpResponse {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

/** @throws InvalidRequest when the body is not JSON; it is not quoted, as it may hold a secret */
export function parseBody({ body, isBase64Encoded }: v.InferOutput<typeof bodySchema>): unknown {
  try {
    return JSON.parse(isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body);
  } catch {
    throw new InvalidRequest('request', 'must be JSON');
  }
}

/** The headers of a request that starts something. */
export const headersSchema = v.object({
  'Idempotency-Key': v.optional(
    v.pipe(v.string(), v.regex(/^[\w.:/+=-]{1,64}$/, 'must be 1 to 64 letters, digits and _.:/+=-')),
  ),
  'X-Correlation-Id': v.optional(correlationIdSchema),
});

/**
 * Who calls, and by what the call is known again: by `X-Correlation-Id`, else the `Idempotency-Key`, else API Gateway's id of the request.
 * The log lines that follow have that. Who invokes the function itself is known by the id of the invocation.
 * @returns also the headers' faults, by the headers' names
 */
export function readCaller(
  { headers, requestContext }: HttpCall,
  { invocation, logger }: { invocation: { requestId: string }; logger: Pick<Logger, 'appendKeys'> },
): { origin: Origin; idempotencyKey: string | undefined; faults: Fault[] } {
  const parsed = parseWhole(headersSchema, {
    'Idempotency-Key': headers['idempotency-key'],
    'X-Correlation-Id': headers['x-correlation-id'],
  });
  const given = 'output' in parsed ? parsed.output : {};
  const { 'Idempotency-Key': idempotencyKey, 'X-Correlation-Id': correlationId } = given;
  const origin = {
    requestedBy: requestContext.authorizer?.iam?.userArn ?? unknownRequester,
    correlationId: correlationId ?? idempotencyKey ?? requestContext.requestId ?? invocation.requestId,
  };
  logger.appendKeys({ correlationId: origin.correlationId });
  return {
    origin,
    idempotencyKey,
    faults: 'faults' in parsed ? parsed.faults : [],
  };
}
