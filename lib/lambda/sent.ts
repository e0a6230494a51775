import { type HttpResponse, jsonResponse } from './http.ts';
import type { StepContext } from './step.ts';

/** 202 with the place where the execution's status is read. */
export function acceptedResponse(
  sent: { operation: string; executionArn: string; location: string },
  { logger }: Pick<StepContext<unknown>, 'logger'>,
): HttpResponse {
  const { operation, executionArn, location } = sent;
  logger.appendKeys({ executionArn });
  logger.info('execution started', { operation });
  return jsonResponse(202, sent, { location, 'retry-after': '10' });
}
