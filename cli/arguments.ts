import { parseArgs } from 'node:util';
import { CommandError } from './command-error.ts';

export const usage = `Onboards a subscriber and shows it happen.

Usage: npm start [-- [request.json] [--json] [--endpoint URL]]

  request.json     the onboarding request; default: examples/acme.json
  --json           print one JSON document on stdout and nothing else there
  --endpoint URL   use the sandbox that runs at URL (npm run sandbox) instead of booting one
  --help           print this

Exit status: 0 succeeded, 1 failed, 2 invalid request or usage.
`;

export type Arguments =
  | { help: true }
  | {
      help: false;
      /** Undefined: the default request. */
      requestFile: string | undefined;
      json: boolean;
      /** Undefined: boot a sandbox. */
      endpoint: string | undefined;
    };

/**
 * Parses the command line.
 * @throws CommandError named InvalidRequest for an unknown option, more than one file, or an endpoint that is no URL
 */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (values.help) return { help: true };
  const [requestFile, another] = positionals;
  if (another !== undefined) throw usageError(`One request file at a time: got ${positionals.join(' and ')}`);
  const { json, endpoint } = values;
  if (endpoint !== undefined && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw usageError(`--endpoint takes a URL such as http://127.0.0.1:4566, not '${endpoint}'`);
  }
  return { help: false, requestFile, json, endpoint };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        endpoint: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    // Its further sentences explain the syntax of positional arguments, which is of no help here.
    const [first = 'The arguments cannot be read'] = error instanceof Error ? error.message.split(/\. |\n/) : [];
    throw usageError(first);
  }
}

function usageError(message: string) {
  return new CommandError('InvalidRequest', message, 'Run `npm start -- --help` to see the usage.');
}
