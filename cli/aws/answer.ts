import { CommandError } from '../command-error.ts';
import type { Reachable } from '../target/target.ts';

/**
 * The answer of an AWS service.
 * @throws CommandError when there are no credentials for the call, AWS refuses it, or nothing answers as AWS does
 */
export async function answer<Output>(service: string, call: Promise<Output>, target: Reachable): Promise<Output> {
  try {
    return await call;
  } catch (error) {
    throw explained(service, error, target);
  }
}

function explained(service: string, error: unknown, target: Reachable): CommandError {
  if (!isServiceError(error)) return credentialsError(error, target) ?? unreachable(error, placeOf(target));
  if (isUnknown(error)) return unreachable(error, placeOf(target));
  return new CommandError(error.name, `${service} answered: ${error.message}`, remedyFor(error, target));
}

function remedyFor({ name }: Error, target: Reachable): string {
  if (target.kind === 'endpoint') {
    return 'Check that a sandbox of this version runs at the endpoint; `npm run sandbox` starts one.';
  }
  if (/^AccessDenied/.test(name)) {
    return 'Use credentials that may do this: docs/cli.md has a policy for readers, one for operators and one for offboarders.';
  }
  if (
    /Expired|InvalidClientTokenId|UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|MissingAuthenticationToken/.test(
      name,
    )
  ) {
    return 'Renew the credentials (`aws sso login`, or those of the environment), and run the command again.';
  }
  if (/Throttl|TooManyRequests|LimitExceeded/.test(name)) return 'Wait a minute, and run the command again.';
  return 'Check --stage, --profile and --region, and run the command again.';
}

/** What the SDK says before it calls anything. */
function credentialsError(error: unknown, target: Reachable): CommandError | undefined {
  if (!(error instanceof Error) || target.kind === 'endpoint') return undefined;
  if (/^(CredentialsProviderError|TokenProviderError)$/.test(error.name)) {
    return new CommandError(
      'NoCredentials',
      `There are no credentials for AWS: ${error.message}`,
      'Log in (`aws sso login --profile NAME`), and name the profile with --profile or AWS_PROFILE; or set the credentials in the environment.',
    );
  }
  if (/Region is missing/.test(error.message)) {
    return new CommandError(
      'NoRegion',
      'No Region is set',
      'Name it with --region or AWS_REGION, or set it in the profile.',
    );
  }
  return undefined;
}

/** Whether an error has no name of its own on the wire: AWS names each of its errors, other servers do not. */
const isUnknown = ({ name }: Error) => /^Unknown(Error)?$/.test(name);

/** Whether an error is an answer of a service: the SDK says of each whose fault it is. */
export function isServiceError(error: unknown): error is Error {
  return error instanceof Error && '$fault' in error;
}

/** How the SDK fails to read an answer that is not AWS's; what else it says then is about itself. */
const unreadable =
  /Deserialization error|is not valid JSON|Unexpected (token|end)|Unclosed tag|char '.*' is not expected/;

/** How a place is named, and what helps when nothing answers there. */
interface Place {
  place: string;
  remedy: string;
}

const ofEndpoint: Place = {
  place: 'the endpoint',
  remedy:
    'Start a sandbox with `npm run sandbox` and pass the endpoint that it prints (--endpoint, or AWS_ENDPOINT_URL).',
};
const ofAws: Place = {
  place: 'the address of AWS',
  remedy: 'Check the connection of this computer and --region; with AWS_ENDPOINT_URL set, check that it is meant.',
};

const placeOf = ({ kind }: Reachable) => (kind === 'endpoint' ? ofEndpoint : ofAws);

/**
 * That nothing answers at a place as AWS does.
 * @param at default: the endpoint, where a sandbox should be
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
