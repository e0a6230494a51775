import type { Logger } from '@aws-lambda-powertools/logger';
import * as v from 'valibot';
import { InvalidRequest, type StepError } from '../errors.ts';
import type { Fault } from '../faults.ts';

/** The parts that are read of an HTTP API's request (payload format 2.0). */
export const bodySchema = v.object({
  body: v.optional(v.string(), ''),
  isBase64Encoded: v.optional(v.boolean(), false),
});

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

/** So many faults are answered at most: what more is wrong shows when these are mended. */
const maxErrors = 100;

/** An error as a caller sees it: what is wrong, and what to do; of a request each place that is wrong, by its JSON Pointer. */
export function errorResponse(
  statusCode: number,
  { name, message, remedy, faults }: Pick<StepError, 'name' | 'message' | 'remedy'> & { faults?: readonly Fault[] },
): HttpResponse {
  const errors = faults?.slice(0, maxErrors).map(({ pointer, rule }) => ({ pointer, rule }));
  return jsonResponse(statusCode, { error: { name, message, remedy, ...(errors && { errors }) } });
}

/**
 * Answers with what `run` returns, or with the rules that the request breaks. Every other error is thrown: API Gateway
 * answers it with 500 and no details, and Lambda's metrics count it.
 */
export async function respond(logger: Logger, run: () => Promise<HttpResponse>): Promise<HttpResponse> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    logger.warn('request refused', { errorName: error.name, errorMessage: error.message });
    return errorResponse(400, error);
  }
}

/** @throws InvalidRequest when the body is not JSON; it is not quoted, as it may hold a secret */
export function parseBody({ body, isBase64Encoded }: v.InferOutput<typeof bodySchema>): unknown {
  try {
    return JSON.parse(isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body);
  } catch {
    throw new InvalidRequest('request', 'must be JSON');
  }
}
