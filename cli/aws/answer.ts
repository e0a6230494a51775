import { CommandError } from '../command-error.ts';

/**
 * The answer of an AWS service.
 * @throws CommandError when it refuses the call, or nothing answers as AWS does
 */
export async function answer<Output>(service: string, call: Promise<Output>): Promise<Output> {
  try {
    return await call;
  } catch (error) {
    if (!isServiceError(error) || isUnknown(error)) throw unreachable(error);
    throw new CommandError(
      error.name,
      `${service} answered: ${error.message}`,
      'Check that a sandbox of this version runs at the endpoint; `npm run sandbox` starts one.',
    );
  }
}

/** Whether an error has no name of its own on the wire: AWS names each of its errors, other servers do not. */
const isUnknown = ({ name }: Error) => /^Unknown(Error)?$/.test(name);

/** Whether an error is an answer of a service: the SDK says of each whose fault it is. */
export function isServiceError(error: unknown): error is Error {
  return error instanceof Error && '$fault' in error;
}

/** How the SDK fails to read an answer that is not AWS's; what else it says then is about itself. */
const unreadable = /Deserialization error|is not valid JSON|Unexpected (token|end)/;

const ofEndpoint = {
  place: 'the endpoint',
  remedy:
    'Start a sandbox with `npm run sandbox` and pass the endpoint that it prints (--endpoint, or AWS_ENDPOINT_URL).',
};

/**
 * That nothing answers at a place as AWS does.
 * @param at how the place is named, and what helps; by default the endpoint, where a sandbox should be
 */
export function unreachable(error: unknown, { place, remedy } = ofEndpoint): CommandError {
  // A refused connection to a host with several addresses is an error without a message, but with a code.
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const isOther = error instanceof Error && (isUnknown(error) || unreadable.test(message));
  return new CommandError(
    'EndpointUnreachable',
    isOther ? `What answers at ${place} is neither AWS nor a sandbox` : reasonOf(place, code, message),
    remedy,
  );
}

function reasonOf(place: string, code: string | undefined, message: string): string {
  // OpenSSL's text names source files and line numbers of its own.
  if (code === 'EPROTO') return `What answers at ${place} does not speak TLS: try http:// in place of https://`;
  const reason = message.trim() || code;
  return `Nothing answers at ${place}${reason === undefined ? '' : `: ${reason}`}`;
}
