import * as v from 'valibot';
import { askFunction } from '../aws/functions.ts';
import { type At, type Finding, fail, ok, warn } from './finding.ts';

const failureSchema = v.object({ error: v.object({ name: v.string(), message: v.string(), remedy: v.string() }) });
const statusSchema = v.object({
  service: v.union([failureSchema, v.object({ mlflowUrl: v.string(), region: v.string() })]),
  superadmin: v.union([failureSchema, v.object({ secretId: v.string() })]),
  login: v.nullable(v.union([failureSchema, v.object({ userName: v.string(), since: v.string() })])),
  stackEventRegions: v.array(v.string()),
});

/** What the deployment itself sees of InfinStor and of the superadmin (functions/check-service). */
export type ServiceStatus = v.InferOutput<typeof statusSchema>;

/**
 * Asks the deployment's own function: it has the way to InfinStor and the right to read the superadmin's secret, which nobody else needs, and it
 * counts a login as all others are counted, so that no wrong password is tried too often.
 */
export const askService = async (at: At): Promise<ServiceStatus> =>
  v.parse(statusSchema, await askFunction('check-service', {}, at));

/** Whether InfinStor answers, the superadmin's secret has the right form, and the superadmin can log in. */
export function judgeService({ service, superadmin, login }: ServiceStatus, at: At): Finding[] {
  return [
    'error' in service
      ? fail(
          'InfinStor',
          said(service),
          mendOf(service, `Check infinstorMlflowUrl in stages/${at.deployment.stage}.yml.`),
        )
      : ok('InfinStor', `${service.mlflowUrl} answers`),
    'error' in superadmin
      ? fail('superadmin secret', said(superadmin), secretCommand(superadmin.error.message, at))
      : ok('superadmin secret', `${superadmin.secretId} has a name and a password`),
    loginFinding(login),
  ];
}

function loginFinding(login: ServiceStatus['login']): Finding {
  const what = 'superadmin login';
  if (login === null) return warn(what, 'It was not tried, because of the above', 'Mend that first.');
  if (!('error' in login)) return ok(what, `${login.userName} is logged in since ${login.since}`);
  // Another execution logs in at this moment: that says how it ends.
  if (login.error.name === 'LoginInProgress') return warn(what, said(login), 'Run the command again in a minute.');
  return fail(what, said(login), login.error.remedy);
}

type Failure = v.InferOutput<typeof failureSchema>;
const said = ({ error: { name, message } }: Failure) => `${name}: ${message}`;
const mendOf = ({ error: { name, remedy } }: Failure, otherwise: string) =>
  name === 'InfinStorUnavailable' ? `${otherwise} ${remedy}` : remedy;

function secretCommand(message: string, { deployment: { stage }, aws }: At): string {
  const secretId = `infinstor/${stage}/superadmin`;
  const value = '--secret-string file:///dev/stdin, with {"userName": "…", "password": "…"} on stdin';
  return message.includes('no such secret')
    ? `${aws(`secretsmanager create-secret --name ${secretId}`)} ${value}`
    : message.includes('marked for deletion') || message.includes('scheduled for deletion')
      ? aws(`secretsmanager restore-secret --secret-id ${secretId}`)
      : `${aws(`secretsmanager put-secret-value --secret-id ${secretId}`)} ${value}`;
}
