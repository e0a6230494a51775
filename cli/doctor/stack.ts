import { stackNameOf } from '../target/deployment.ts';
import { type At, type Finding, fail, ok, warn } from './finding.ts';

/** Whether the stack is as its latest deployment was to leave it, and of this version. */
export function judgeStack({ deployment, command }: At, ownVersion: string): Finding[] {
  return [
    stackFinding(deployment, command('deploy')),
    versionFinding(deployment.version, ownVersion, command('deploy')),
  ];
}

function stackFinding({ stage, accountId, region, stackStatus }: At['deployment'], deploy: string): Finding {
  const what = 'deployment';
  const stack = `The stack ${stackNameOf(stage)} in account ${accountId}, ${region}`;
  const why = `${stack} is ${stackStatus}`;
  switch (stackStatus) {
    case 'CREATE_COMPLETE':
    case 'UPDATE_COMPLETE':
    case 'IMPORT_COMPLETE':
      return ok(what, why);
    case 'UPDATE_ROLLBACK_COMPLETE':
    case 'IMPORT_ROLLBACK_COMPLETE':
      return warn(what, `${why}: its latest deployment failed, and the one before runs`, deploy);
    default:
      return /_IN_PROGRESS$/.test(stackStatus)
        ? warn(what, `${why}: it is being deployed or removed`, 'Run the command again when that is over.')
        : fail(what, why, deploy);
  }
}

function versionFinding(deployed: string | undefined, own: string, deploy: string): Finding {
  const what = 'version';
  if (deployed === own) return ok(what, own);
  return fail(
    what,
    deployed === undefined
      ? `The deployment does not say its version; this command is of ${own}`
      : `${deployed} is deployed; this command is of ${own}`,
    `${deploy}, or use the command of the version that is deployed`,
  );
}
