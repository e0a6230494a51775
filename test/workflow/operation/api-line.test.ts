import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import * as v from 'valibot';
import { describe, expect, it, onTestFinished } from 'vitest';
import { account, operator } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { casesInScope } from '../../scope.ts';
import { ended, requestFor, useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();
const root = join(import.meta.dirname, '../../..');
const using = readFileSync(join(root, 'docs/using.md'), 'utf8');

/** The lines of docs/using.md, without their remarks. */
const [definition = ''] = /^api\(\) .*$/m.exec(using) ?? [];
const [post = '', status = ''] = [...using.matchAll(/^(api .*?) {2,}#/gm)].map(([, line = '']) => line);

/** The version of this machine's curl, such as `7.88`. */
const installed = /^curl (\d+)\.(\d+)/.exec(spawnSync('curl', ['--version'], { encoding: 'utf8' }).stdout ?? '');
const [, major = 0, minor = 0] = (installed ?? []).map(Number);
const signsEveryHeader = major > 7 || (major === 7 && minor >= 87);

/** What is run as `curl` with each kind of credentials: the machine's, if it has one that will do. */
const standIn = `curl() { '${process.execPath}' '${join(root, 'tools/permissions/curl.ts')}' "$@"; }`;
const runs: [kind: keyof typeof kinds, client: string, setUp: string][] = signsEveryHeader
  ? [
      ['long-term', `curl ${major}.${minor}`, ''],
      ['temporary', `curl ${major}.${minor}`, ''],
      // Machines without curl rely on it.
      ['temporary', "a client with the SDK's signer", standIn],
    ]
  : [
      ['long-term', "a client with the SDK's signer", standIn],
      ['temporary', "a client with the SDK's signer", standIn],
    ];
// The client that stands in for curl is for machines that have none: what it does is the same with both kinds of credentials.
const usual = signsEveryHeader ? runs.slice(0, 2) : runs.slice(0, 1);
const machine = signsEveryHeader
  ? 'run with curl'
  : `not run with curl: this machine has ${installed === null ? 'none' : `${major}.${minor}, which is too old`}`;

const allowInvoke = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' }],
};
const trustOperator = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account.accountId}:root` }, Action: 'sts:AssumeRole' },
  ],
};

let tries = 0;

/** Credentials as a shell has them. */
const kinds = {
  'long-term': async () => ({
    AWS_ACCESS_KEY_ID: operator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
  }),
  temporary: async () => {
    const { arn } = sandbox().iam.createRole({
      roleName: `api-caller-${tries}`,
      assumeRolePolicyDocument: trustOperator,
      policies: [{ name: 'invoke', document: allowInvoke }],
    });
    const sts = new STSClient(operatorAt(sandbox().endpoint));
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: 'shell' }));
    return {
      AWS_ACCESS_KEY_ID: Credentials?.AccessKeyId ?? '',
      AWS_SECRET_ACCESS_KEY: Credentials?.SecretAccessKey ?? '',
      AWS_SESSION_TOKEN: Credentials?.SessionToken ?? '',
    };
  },
};

/** Runs commands in a shell that has these credentials, in a folder with this request. @returns what they print */
async function shell(commands: string[], environment: Record<string, string>, request: object): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'api-line-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'my-request.json'), JSON.stringify(request, null, 2));
  const { stdout } = await promisify(execFile)('sh', ['-euc', commands.join('\n')], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      AWS_REGION: account.region,
      API: sandbox().apiEndpoint,
      SIGNING_TIME: String(sandbox().clock.now()),
      ...environment,
    },
  });
  return stdout;
}

const acceptedSchema = v.pipe(v.string(), v.parseJson(), v.object({ executionArn: v.string(), location: v.string() }));

describe(`the line \`api\` of docs/using.md (${machine})`, () => {
  it.each(casesInScope(runs, usual))(
    'sends a request and reads its status with %s credentials and %s',
    async (kind, _client, setUp) => {
      tries += 1;
      const userName = `line-${tries}`;
      const credentials = await kinds[kind]();
      const given = [setUp, definition];
      const accepted = v.parse(acceptedSchema, await shell([...given, post], credentials, requestFor(userName)));
      await ended(sandbox(), accepted.executionArn);
      const lines = [...given, status.replace('acme', userName), 'echo', `api "$API${accepted.location}"`];
      const answers = (await shell(lines, credentials, {})).split('\n');
      expect(answers.map((answer) => JSON.parse(answer))).toEqual([
        expect.objectContaining({ userName, status: 'ACTIVE' }),
        expect.objectContaining({ userName, status: 'ACTIVE' }),
      ]);
      const wrong = { ...credentials, AWS_SECRET_ACCESS_KEY: 'wrong' };
      expect(await shell([...given, status], wrong, {})).toBe('{"message":"Forbidden"}');
    },
  );
});
