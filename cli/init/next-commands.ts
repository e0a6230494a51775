import * as v from 'valibot';
import { awsOptions, type Reachable } from '../target/target.ts';
import type { Setting } from './plan.ts';

/** Something that is still to be made, and how. */
export interface NextCommand {
  what: string;
  command: string;
}

interface About {
  stage: string;
  settings: readonly Setting[];
  /** Whether a subscriber may have a key of its own. */
  hasKeys: boolean;
  /** Where the stage is to be. */
  target: Reachable;
  /** A command of this program for the same target. */
  command: (words: string) => string;
}

const accountsSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()));

/** What a stage needs beside its file, in order. No password stands in a command: others of the computer see command lines. */
export function nextCommands({ stage, settings, hasKeys, target, command }: About): NextCommand[] {
  const value = (name: string) => settings.find((setting) => setting.name === name)?.value;
  const options = awsOptions(target);
  const region = value('region');
  const aws = (words: string) =>
    [`aws ${words}`, options, ...(region === undefined || /--region/.test(options) ? [] : [`--region ${region}`])]
      .filter(Boolean)
      .join(' ');
  const accounts = v.safeParse(accountsSchema, value('accounts'));
  return [
    {
      what: `The superadmin's secret; type {"userName": "${value('superadminUserName') ?? 'superadmin'}", "password": "…"} and end with Ctrl-D`,
      command: aws(
        `secretsmanager create-secret --name infinstor/${stage}/superadmin --secret-string file:///dev/stdin`,
      ),
    },
    ...(hasKeys
      ? [
          {
            what: 'A tag for each KMS key that subscribers may use',
            command: aws('kms tag-resource --key-id KEY-ARN --tags TagKey=infinstor-onboarding,TagValue=allowed'),
          },
        ]
      : []),
    ...Object.keys(accounts.success ? accounts.output : {}).map((id) => ({
      what: `The roles in account ${id}, with credentials for it (docs/other-accounts.md has the parameters)`,
      command:
        'aws cloudformation deploy --stack-name infinstor-onboarding-access --template-file deployment/other-account.yaml --capabilities CAPABILITY_NAMED_IAM --parameter-overrides …',
    })),
    { what: 'The deployment', command: command('deploy') },
    { what: 'A look at all of it', command: command('doctor') },
    { what: 'The first subscriber', command: command('onboard REQUEST.json') },
  ];
}
