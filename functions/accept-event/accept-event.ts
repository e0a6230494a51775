import type { Logger } from '@aws-lambda-powertools/logger';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { InvalidRequest } from '../../lib/errors.ts';
import { faultsOf, refuse } from '../../lib/refusals.ts';
import { executionInput, startOnboarding } from '../../lib/requests/start-execution.ts';
import type { Environment } from './environment.ts';
import type { RequestEvent } from './event.ts';
import { takeRequest } from './origin.ts';
import { isKeptWhole, refusal } from './refusal.ts';
import { askedBy } from './requests.ts';

interface Dependencies {
  environment: Environment;
  stepFunctions: SFNClient;
  queue: SQSClient;
  logger: Logger;
}

/**
 * Starts what an event asks for, in an execution named after the event: EventBridge delivers at least once, and the same event starts
 * nothing twice. EventBridge's own dead-letter queue takes what cannot be delivered; an event that arrives and is refused must be put there,
 * or it would be lost.
 */
export async function acceptEvent(event: RequestEvent, dependencies: Dependencies): Promise<void> {
  const { environment, stepFunctions, queue, logger } = dependencies;
  const about = { eventId: event.id, detailType: event['detail-type'] };
  try {
    const { userName, stateMachineArn, input } = accepted(event, dependencies);
    const executionArn = await startOnboarding(stepFunctions, {
      stateMachineArn,
      name: `${userName}-${event.id}`,
      input,
    });
    logger.appendKeys({ executionArn });
    logger.info('execution started', about);
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    logger.warn('event refused', { ...about, errorName: error.name, errorMessage: error.message });
    await queue.send(refusal(environment.DEAD_LETTER_QUEUE_URL, event, error)).catch((failure: unknown) => {
      // Thrown, it would make Lambda put the event as it is into the queue, where nothing that may be a secret must lie.
      if (isKeptWhole(event.detail)) throw failure;
      logger.error('refused event could not be put into the queue', about);
    });
  }
}

/** @throws InvalidRequest for all that is wrong with the request, and with what the event says of who asks */
function accepted(event: RequestEvent, { environment, logger }: Pick<Dependencies, 'environment' | 'logger'>) {
  const { userNameIn, stateMachineArn } = askedBy(event['detail-type'], environment);
  const { request, origin, faults } = takeRequest(event);
  logger.appendKeys({ correlationId: origin.correlationId });
  const input = () => executionInput(typeof request === 'object' ? { ...request, origin } : request);
  refuse([...faultsOf(() => userNameIn(request)), ...faults, ...faultsOf(input)]);
  return { userName: userNameIn(request), stateMachineArn, input: input() };
}
