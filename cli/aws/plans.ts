import * as v from 'valibot';
import { type Preview, previewSchema } from '../../lib/preflight/preview.ts';
import type { Operation } from '../../lib/subscribers/operations.ts';
import { CommandError, type CommandFault } from '../command-error.ts';
import type { Request } from '../request.ts';
import type { Deployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { askFunction } from './functions.ts';

/**
 * What a request would do now. It changes nothing.
 * @throws CommandError with everything that is wrong with the request, in `errors`
 * @throws CommandError named PlansNotDeployed by a deployment that has no plans; as `askFunction` throws
 */
export async function planOf(
  { operation, request }: { operation: Operation; request: Request },
  at: { target: Reachable; deployment: Deployment },
): Promise<Preview> {
  try {
    return v.parse(previewSchema, await askFunction('plan-request', { body: { operation, request } }, at));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.name === 'ResourceNotFoundException') throw notDeployed();
    if (error.errors === undefined) throw error;
    throw refused(error, error.errors);
  }
}

function notDeployed(): CommandError {
  return new CommandError(
    'PlansNotDeployed',
    'The deployment has no function plan-request: it was deployed from an earlier version',
    'Deploy the stage with this version, or start the request without --plan.',
  );
}

function refused({ name, remedy }: CommandError, faults: readonly CommandFault[]): CommandError {
  const remedies = new Map(faults.map((fault) => [fault.remedy ?? remedy, fault.name ?? name]));
  const lines = faults.map((fault) => faultText(fault));
  return new CommandError(
    name,
    `the request would be refused:${lines.length === 1 ? ` ${lines[0]}` : ['', ...lines].join('\n')}`,
    remedies.size <= 1 ? remedy : [...remedies].map(([text, of]) => `${of}: ${text}`).join('\n'),
    null,
    faults,
  );
}

/** `subscriber.emailId: must be …`, and what is not wrong in the request itself with the error that it would be. */
function faultText({ name, field, rule }: CommandFault): string {
  const own = name === undefined || name === 'InvalidRequest' ? [] : [name];
  return [...own, ...(field === undefined ? [] : [field]), rule].join(': ');
}
