import * as v from 'valibot';

/** The system errors that are the network's, and that the SDK's clients retry (`@smithy/core/retry`). */
const networkCodes: readonly string[] = [
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
];

/** What a client calls an answer whose body it cannot read, such as a load balancer's page: the name of its parser's error. */
const namesWithoutMeaning: readonly string[] = ['Error', 'SyntaxError', 'Unknown', 'UnknownError'];

const networkErrorSchema = v.object({ code: v.picklist(networkCodes) });
const answerSchema = v.object({ $metadata: v.object({ httpStatusCode: v.number() }) });

/**
 * The name by which a state machine knows an error of an AWS client. It is the client's own, except for what may pass but has a
 * name that errors of programming have as well: these get names by which they can be retried.
 * @returns `NetworkingError` when no connection came about or it broke, `ServerError` for an answer with status 429 or 5xx and without a
 * readable error
 */
export function errorName(error: Error): string {
  // The client has already named what it takes for a timeout, also of these.
  if (error.name === 'TimeoutError') return error.name;
  if (v.is(networkErrorSchema, error)) return 'NetworkingError';
  if (!namesWithoutMeaning.includes(error.name) || !v.is(answerSchema, error)) return error.name;
  const { httpStatusCode } = error.$metadata;
  return httpStatusCode === 429 || httpStatusCode >= 500 ? 'ServerError' : error.name;
}
