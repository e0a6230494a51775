import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { matchesPattern } from '../../../sandbox/core/policies/policy-conditions.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { isWhole } from '../../scope.ts';
import { eventsOf, eventually, recordOf, requestFor, spoken, useSandbox } from '../sandbox.ts';
import { fault, functionNameOf, logIn, newName } from '../subscriber.ts';
import { awsCli, examples, hasJq, type Machine, pipelineMachine, shellCredentials, signsByCurl } from './shell.ts';

const sandbox = useSandbox();
const textOf = (name: string) => readFileSync(join(examples, name), 'utf8');
const stepSchema = v.looseObject({
  name: v.optional(v.string()),
  uses: v.optional(v.string()),
  run: v.optional(v.string()),
  env: v.optional(v.record(v.string(), v.string()), {}),
});
const workflow = v.parse(
  v.object({
    permissions: v.record(v.string(), v.string()),
    jobs: v.object({
      onboard: v.looseObject({
        environment: v.string(),
        env: v.record(v.string(), v.string()),
        steps: v.array(stepSchema),
      }),
    }),
  }),
  parse(textOf('github-actions.yml')),
);
const buildspec = v.parse(
  v.object({
    version: v.literal(0.2),
    env: v.object({ shell: v.literal('bash'), variables: v.record(v.string(), v.string()) }),
    phases: v.object({
      install: v.looseObject({ commands: v.array(v.string()) }),
      build: v.object({ commands: v.array(v.string()) }),
    }),
  }),
  parse(textOf('buildspec.yml')),
);

/** The command is on the machine's path already. */
const install = 'npm install --global ./onboarding/infinstor-onboarding-*.tgz';
const provider = 'arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com';
const stackName = 'onboarding-pipelines';
let machine: Machine;
/** The outputs of the stack. */
const outputs: Record<string, string> = {};

beforeAll(async () => {
  machine = await pipelineMachine(sandbox());
  const client = new CloudFormationClient(operatorAt(sandbox().endpoint));
  const parameters = {
    Stage: 'sandbox',
    ApiId: sandbox().physicalId('HttpApi'),
    GitHubProviderArn: provider,
    GitHubRepository: 'my-org/my-repository',
  };
  await client.send(
    new CreateStackCommand({
      StackName: stackName,
      TemplateBody: textOf('access.yaml'),
      Capabilities: ['CAPABILITY_IAM'],
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
    }),
  );
  await sandbox().cloudFormation.stack(stackName)?.work;
  const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
  expect(stack?.StackStatus).toBe('CREATE_COMPLETE');
  for (const { OutputKey = '', OutputValue = '' } of stack?.Outputs ?? []) outputs[OutputKey] = OutputValue;
});
afterAll(() => machine.remove());

const roleName = () => outputs.GitHubRoleArn?.split('/').at(-1) ?? '';
/** What a job's shell has after its step with the role; the stage is another one here. */
const asRole = () => ({
  AWS_ENDPOINT_URL: sandbox().endpoint,
  ...shellCredentials(sandbox().iam.credentials(outputs.GitHubRoleArn ?? '', 'GitHubActions')),
  STAGE: 'sandbox',
});
const password = (userName: string) => `Pipeline-Marker-${userName}-1!`;

let runs = 0;
const runOfGitHub = () => ({ GITHUB_RUN_ID: String(8_000_000_000 + ++runs), GITHUB_RUN_ATTEMPT: '1' });

/** Writes a request into the pipeline's repository, whose password is in the secret that the workflow writes. */
function newRequest(kind: string, more: object = {}) {
  const userName = newName(kind);
  const file = `requests/${userName}.json`;
  machine.write(file, { ...requestFor(userName), ...more });
  return { userName, file };
}

/** Runs the commands of the workflow, one step after the other, as GitHub's runner does, until one fails. */
async function runWorkflow(
  { userName, file }: { userName: string; file: string },
  environment: Readonly<Record<string, string>>,
  options: { aws?: string } = {},
) {
  const said = { status: 0, stdout: '', stderr: '' };
  for (const { run, env } of workflow.jobs.onboard.steps) {
    if (run === undefined || run === install) continue;
    const ofStep = Object.keys(env).includes('PASSWORD') ? { PASSWORD: password(userName) } : {};
    const ran = await machine.run(run, { ...environment, ...ofStep, REQUEST: file }, options);
    said.stdout += ran.stdout;
    said.stderr += ran.stderr;
    said.status = ran.status;
    if (ran.status !== 0) break;
  }
  return said;
}

const withPassword = (kind: string) => {
  const request = newRequest(kind);
  const passwordSecretId = `infinstor/sandbox/input/${request.userName}/password`;
  machine.write(request.file, { ...requestFor(request.userName), passwordSecretId });
  return request;
};

const statementsSchema = v.object({
  Statement: v.array(
    v.object({
      Action: v.union([v.string(), v.array(v.string())]),
      Resource: v.union([v.string(), v.array(v.string())]),
    }),
  ),
});

/** What the policy grants that the role has not used: each action on each resource. */
function unused() {
  const own = sandbox()
    .grants()
    .filter(({ principalArn }) => principalArn === outputs.GitHubRoleArn);
  const { Statement } = v.parse(statementsSchema, sandbox().iam.managedPolicy(outputs.ApiPolicyArn ?? ''));
  return Statement.flatMap(({ Action, Resource }) =>
    [Action].flat().flatMap((action) =>
      [Resource]
        .flat()
        .filter((pattern) => !own.some((used) => used.action === action && matchesPattern(pattern, used.resource)))
        .map((pattern) => `${action} ${pattern}`),
    ),
  );
}

describe('the workflow of GitHub Actions', () => {
  it('has these steps of others, the command installed, and values of GitHub in no command', () => {
    const { steps, env, environment } = workflow.jobs.onboard;
    expect(steps.map(({ uses, name }) => uses?.replace(/@.*/, '') ?? name)).toEqual([
      'actions/checkout',
      'actions/setup-node',
      'aws-actions/configure-aws-credentials',
      'Install the command',
      'Store the password',
      'Onboard',
    ]);
    expect(steps.filter(({ run }) => run === install)).toHaveLength(1);
    expect(steps.filter(({ run }) => run?.includes('${{'))).toEqual([]);
    expect(workflow.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    expect(Object.keys(env)).toEqual(['STAGE', 'REQUEST']);
    expect(environment).toBe('onboarding');
  });

  it('trusts jobs of one environment of one repository', () => {
    const { assumeRolePolicyDocument } = sandbox().iam.role(roleName()) ?? {};
    expect(assumeRolePolicyDocument).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Federated: provider },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: {
            StringEquals: {
              'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
              'token.actions.githubusercontent.com:sub': 'repo:my-org/my-repository:environment:onboarding',
            },
          },
        },
      ],
    });
  });
});

it.each(['onboard.sh', 'onboard-curl.sh', 'onboard-event.sh'])('%s is Bash', async (script) => {
  expect(await machine.run(`bash -n onboarding/${script}`, {})).toMatchObject({ status: 0 });
});

// Without jq there is nothing to run the examples with; the shell's own check is always made.
if (hasJq) {
  describe('the commands of the workflow', () => {
    it('onboards with the rights of its role, and with each of them, also when a run is repeated', async () => {
      const request = withPassword('workflow');
      const environment = { ...asRole(), ...runOfGitHub() };
      const ran = await runWorkflow(request, environment);
      expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('"status": "ACTIVE"') });
      expect(await logIn(sandbox(), request.userName, password(request.userName))).toBe('in');
      const record = await recordOf(sandbox(), request.userName);
      expect(record).toMatchObject({
        attempts: { L: [{ M: { requestedBy: { S: expect.stringContaining(roleName()) } } }] },
      });
      if (isWhole) {
        // The same again: nothing is started.
        expect(await runWorkflow(request, environment)).toMatchObject({ status: 0 });
        expect((await recordOf(sandbox(), request.userName))?.attempts?.L).toHaveLength(1);
      }
      // A run that is repeated asks again.
      expect(await runWorkflow(request, { ...environment, GITHUB_RUN_ATTEMPT: '2' })).toMatchObject({ status: 0 });
      expect((await recordOf(sandbox(), request.userName))?.attempts?.L).toHaveLength(2);
      expect(unused()).toEqual([]);
      spoken.push(ran.stdout, ran.stderr);
    });

    if (isWhole) {
      it.each(['cloudformation:DescribeStacks', 'execute-api:Invoke', 'secretsmanager:CreateSecret'])(
        'fails without %s',
        async (action) => {
          const policy = JSON.stringify(sandbox().iam.managedPolicy(outputs.ApiPolicyArn ?? ''));
          const { arn } = sandbox().iam.createRole({
            roleName: newName('less'),
            assumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
            policies: [
              { name: 'less', document: JSON.parse(policy.replace(`"${action}"`, '"sts:GetCallerIdentity"')) },
            ],
          });
          const credentials = shellCredentials(sandbox().iam.credentials(arn, 'GitHubActions'));
          const environment = { ...asRole(), ...credentials, ...runOfGitHub() };
          const request = withPassword('less');
          expect((await runWorkflow(request, environment)).status).toBeGreaterThan(0);
          expect(await recordOf(sandbox(), request.userName)).toBeUndefined();
        },
      );
    }

    if (isWhole && awsCli !== '') {
      it('does the same with the AWS CLI of this machine', async () => {
        const request = withPassword('real');
        const environment = { ...asRole(), ...runOfGitHub() };
        for (const _ of [1, 2])
          expect(await runWorkflow(request, environment, { aws: awsCli })).toMatchObject({ status: 0 });
        expect(await logIn(sandbox(), request.userName, password(request.userName))).toBe('in');
      });
    }
  });

  describe('onboard.sh', () => {
    const onboard = (file: string, key: string) => machine.run(`onboarding/onboard.sh ${file} ${key}`, asRole());

    it('ends with 2 for a wrong request, and says what is wrong', async () => {
      const { file, userName } = newRequest('wrong', { colour: 'green' });
      const { status, stderr } = await onboard(file, userName);
      expect([status, stderr]).toEqual([2, expect.stringContaining('"pointer": "/colour"')]);
    });

    if (isWhole) {
      it('ends with 1 for an onboarding that fails, and says what to do', async () => {
        const { file, userName } = newRequest('fails');
        fault(sandbox(), 'infinstor:register:error=503');
        const { status, stdout } = await onboard(file, userName);
        expect([status, stdout]).toEqual([1, expect.stringContaining('"remedy":')]);
      });

      it('sends its request again when the API answers 503, and starts one execution', async () => {
        const { file, userName } = newRequest('again');
        fault(sandbox(), 'states:StartExecution:throttle:9', { functionName: functionNameOf('post-subscribers') });
        expect(await onboard(file, userName)).toMatchObject({ status: 0 });
        expect((await recordOf(sandbox(), userName))?.attempts?.L).toHaveLength(1);
      });
    }
  });

  it('the buildspec of CodeBuild onboards with the same policy', async () => {
    expect(buildspec.phases.install.commands).toEqual([install]);
    expect(Object.keys(buildspec.env.variables)).toEqual(['STAGE', 'REQUEST']);
    const { file, userName } = newRequest('build');
    const CODEBUILD_BUILD_ID = `${'project-'.repeat(20)}:3f0ff0a5-5c1c-4d0e-9d5d-0f2f3f5e6a7b`;
    const environment = { ...asRole(), REQUEST: file, CODEBUILD_BUILD_ID };
    if (isWhole) fault(sandbox(), 'states:StartExecution:kill', { functionName: functionNameOf('post-subscribers') });
    expect(await machine.run(buildspec.phases.build.commands.join('\n'), environment)).toMatchObject({ status: 0 });
    expect(await recordOf(sandbox(), userName)).toMatchObject({
      status: { S: 'ACTIVE' },
      attempts: { L: [{ M: { correlationId: { S: 'codebuild-3f0ff0a5-5c1c-4d0e-9d5d-0f2f3f5e6a7b' } } }] },
    });
  });

  describe(`onboard-curl.sh (${signsByCurl ? 'run with curl' : 'not run: this machine has no curl of 7.87 or newer'})`, () => {
    const onboard = (file: string, key: string) =>
      machine.run(`onboarding/onboard-curl.sh ${file} ${key}`, { ...asRole(), API: sandbox().apiEndpoint });

    if (signsByCurl) {
      it('onboards, and sends its request again when the answer is 5xx', async () => {
        const { file, userName } = newRequest('curl');
        fault(sandbox(), 'states:StartExecution:kill', { functionName: functionNameOf('post-subscribers') });
        const ran = await onboard(file, userName);
        expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('"status": "ACTIVE"') });
        expect((await recordOf(sandbox(), userName))?.attempts?.L).toHaveLength(1);
      });

      it('ends with 2 for a wrong request, with 1 for a failure, for a wrong signature and without the API', async () => {
        const wrong = newRequest('curl', { colour: 'green' });
        expect(await onboard(wrong.file, wrong.userName)).toMatchObject({
          status: 2,
          stderr: expect.stringContaining('"/colour"'),
        });
        const { file, userName } = newRequest('curl');
        fault(sandbox(), 'infinstor:register:error=503');
        expect(await onboard(file, userName)).toMatchObject({
          status: 1,
          stdout: expect.stringContaining('"remedy":'),
        });
        const elsewhere = { ...asRole(), API: sandbox().apiEndpoint, AWS_REGION: 'eu-west-1' };
        expect(await machine.run(`onboarding/onboard-curl.sh ${file} x`, elsewhere)).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('HTTP 403'),
        });
        const nobody = { ...asRole(), API: 'nowhere://api' };
        expect(await machine.run(`onboarding/onboard-curl.sh ${file} x`, nobody)).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('HTTP 000'),
        });
      });
    }
  });

  describe('onboard-event.sh', () => {
    const put = (file: string, options: { aws?: string } = {}) => {
      const document = sandbox().iam.managedPolicy(outputs.EventPolicyArn ?? '');
      const { arn } = sandbox().iam.createRole({
        roleName: newName('sender'),
        assumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
        policies: [{ name: 'events', document }],
      });
      const credentials = shellCredentials(sandbox().iam.credentials(arn, 'pipeline'));
      const BUS = sandbox().physicalId('OnboardingBus');
      const own = { ...asRole(), ...credentials, BUS };
      return machine.run(`onboarding/onboard-event.sh ${file} 'release pipeline' build-4711`, own, options);
    };

    it.each(isWhole && awsCli !== '' ? ['a stand-in', awsCli] : ['a stand-in'])(
      'asks by an event with %s, and prints its id',
      async (aws) => {
        const { file, userName } = newRequest('event');
        const { status, stdout, stderr } = await put(file, aws === 'a stand-in' ? {} : { aws });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        await eventually(sandbox(), async () =>
          expect((await recordOf(sandbox(), userName))?.status?.S).toBe('ACTIVE'),
        );
        const record = await recordOf(sandbox(), userName);
        expect(record).toMatchObject({
          executionArn: { S: expect.stringContaining(`${userName}-${stdout.trim()}`) },
          attempts: {
            L: [
              {
                M: { requestedBy: { S: 'account 111111111111: release pipeline' }, correlationId: { S: 'build-4711' } },
              },
            ],
          },
        });
        expect(eventsOf(sandbox(), { executionArn: String(record?.executionArn?.S) })).toMatchObject([
          { 'detail-type': 'SubscriberOnboarded' },
        ]);
      },
    );

    it('fails when EventBridge has not taken the event, which the AWS CLI does not', async () => {
      const { file } = newRequest('event');
      const answer = JSON.stringify({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure' }] });
      const refusing = join(machine.folder, 'refusing');
      writeFileSync(refusing, `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
      const ran = await put(file, { aws: refusing });
      expect(ran).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('InternalFailure') });
    });
  });
}
