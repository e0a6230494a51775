import { CommandError } from '../command-error.ts';

/**
 * What an AWS service answers.
 * @throws CommandError when it refuses the call, or nothing answers as AWS does
 */
export async function answer<Output>(service: string, call: Promise<Output>): Promise<Output> {
  try {
    return await call;
  } catch (error) {
    if (!isServiceError(error)) throw unreachable(error);
    throw new CommandError(
      error.name,
      `${service} answered: ${error.message}`,
      'Check that the endpoint is that of a running sandbox of this version; `npm run sandbox` starts one.',
    );
  }
}

/** Whether an error is an answer of a service: the SDK says of each whose fault it is. */
export function isServiceError(error: unknown): error is Error {
  return error instanceof Error && '$fault' in error;
}

/** That nothing answers at the endpoint as AWS does. */
export function unreachable(error: unknown): CommandError {
  // A refused connection to a host with several addresses is an error without a message, but with a code.
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // The SDK's message about an answer that it cannot read is about the SDK.
  const message =
    error instanceof Error ? error.message.replace(/^Deserialization error.*/s, 'what answers is no AWS service') : '';
  const reason = message || code || String(error);
  return new CommandError(
    'EndpointUnreachable',
    `The endpoint does not answer as AWS does: ${reason}`,
    'Start a sandbox with `npm run sandbox` and pass the endpoint that it prints; without --endpoint an onboarding boots one of its own.',
  );
}
