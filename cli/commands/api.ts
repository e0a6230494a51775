import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { answer } from '../aws/answer.ts';
import { apiUrlOf, signed } from '../aws/http-api.ts';
import type { Outcome } from '../command.ts';
import { CommandError, usageError } from '../command-error.ts';
import type { Session } from '../session.ts';
import { findDeployment } from '../target/deployment.ts';

interface Options {
  body?: string | undefined;
  'idempotency-key'?: string | undefined;
}

/**
 * Sends one request to the HTTP API, signed with the credentials of the target.
 * @param send fetch, or what stands in for it in a test
 * @returns the answer, with status 2 for a request that the API refuses as wrong (400, 422), and 1 for any other refusal
 * @throws CommandError named InvalidRequest for wrong usage; as `answer` throws
 */
export async function api(
  { words: [method = '', path = ''], options }: { words: readonly string[]; options: Options },
  session: Session,
  send: typeof fetch = fetch,
): Promise<Outcome> {
  if (method === 'GET' && options.body !== undefined) throw usageError('GET takes no --body');
  const body = options.body === undefined ? undefined : await bodyOf(options.body);
  const target = await session.reach();
  const at = { target, deployment: await findDeployment(target) };
  const url = new URL(apiUrlOf(at) + path);
  const key = options['idempotency-key'];
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(key !== undefined && { 'idempotency-key': key }),
  };
  const request = { method, url, headers, ...(body !== undefined && { body }) };
  const sent = signed(request, at).then((all) =>
    send(url, { method, headers: all, ...(body !== undefined && { body }) }),
  );
  const response = await answer('The HTTP API', sent, target);
  const content = parsed(await response.text());
  const { status } = response;
  const document = {
    httpStatus: status,
    location: response.headers.get('location'),
    retryAfter: response.headers.get('retry-after'),
    body: content,
    error: null,
  };
  const shown = [
    ...(document.location === null ? [] : [`Location: ${document.location}`]),
    JSON.stringify(content, undefined, 2),
  ];
  return {
    document,
    text: `${status < 400 ? '' : `HTTP ${status}\n`}${shown.join('\n')}\n`,
    status: status < 400 ? 0 : status === 400 || status === 422 ? 2 : 1,
  };
}

async function bodyOf(file: string): Promise<string> {
  // A body may hold what no screen should show: it is not repeated.
  if (/^\s*[{[]/.test(file))
    throw usageError('--body takes a file with the body, or - for standard input, not the body itself');
  return file === '-'
    ? textOf(process.stdin)
    : readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        throw new CommandError(
          'InvalidRequest',
          `${file} cannot be read: ${error.code ?? error.message}`,
          'Nothing was sent. --body takes a file with the body in JSON, or - for standard input: correct the path.',
        );
      });
}

/** JSON as all routes answer; else the text itself, such as that of a proxy. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
