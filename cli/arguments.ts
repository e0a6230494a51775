import { parseArgs } from 'node:util';
import { type FaultRule, parseFault } from '../sandbox/faults.ts';
import { CommandError } from './command-error.ts';

export const usage = `Onboards a subscriber and shows it happen.

Usage: npm start [-- [request.json] [--json] [--endpoint URL | --fault service:Operation:kind[:times] …]]

  request.json     the onboarding request; default: examples/acme.json
  --json           print one JSON document on stdout and nothing else there
  --endpoint URL   use the sandbox that runs at URL (npm run sandbox) instead of booting one
  --fault FAULT    let something go wrong in the sandbox, as often as times says (default 1); may be repeated
                   kind: throttle, error=<Name>, delay=<ms>, drop, kill, stale; for events lose, repeat, late;
                   InfinStor's errors are statuses, LoginExpired and EndpointTimedOut (504 after the effect)
                   such as kms:PutKeyPolicy:throttle:2, infinstor:get_version:delay=500, infinstor:add_subscriber:drop
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
      /** What is to go wrong in the sandbox that is booted. */
      faults: FaultRule[];
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
  const faults = values.fault.map(readFault);
  if (endpoint !== undefined && faults.length > 0) {
    throw usageError('--fault is for the sandbox that the command boots, and not for one that runs at --endpoint');
  }
  return { help: false, requestFile, json, endpoint, faults };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        endpoint: { type: 'string' },
        fault: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    // Its further sentences explain the syntax of positional arguments, which is of no help here.
    const [first = 'The arguments cannot be read'] = error instanceof Error ? error.message.split(/\. |\n/) : [];
    throw usageError(first);
  }
}

function readFault(text: string): FaultRule {
  try {
    return parseFault(text);
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function usageError(message: string) {
  return new CommandError('InvalidRequest', message, 'Run `npm start -- --help` to see the usage.');
}
