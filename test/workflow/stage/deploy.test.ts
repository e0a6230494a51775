// What deploy and remove do around osls, which another one stands in for here: test/workflow/deployed has it.

import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, CreateStackCommand, DeleteStackCommand } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTemporaryFolder } from '../../../build/temporary-folder.ts';
import { deploy } from '../../../cli/commands/stages/deploy.ts';
import { remove } from '../../../cli/commands/stages/remove.ts';
import type { Clone } from '../../../cli/deploy/clone.ts';
import type { Target } from '../../../cli/target/target.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { sessionFor } from '../../unit/cli/session.ts';
import { onboard, requestFor, run, spoken, useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();
const folder = makeTemporaryFolder(join(tmpdir(), 'infinstor-onboarding-deploy-'));
beforeAll(async () => {
  await mkdir(join(folder.path, '.serverless'));
  const state = { service: { provider: { region: 'us-east-1', stage: 'sandbox' } } };
  await writeFile(join(folder.path, '.serverless/serverless-state.json'), JSON.stringify(state));
});
afterAll(() => folder.remove());

/** Sources whose osls does what the test says. */
function clone({
  packageStage = async () => ({ unchecked: [] }),
  osls = async () => ({ status: 0, lines: [] }),
}: Partial<Clone> = {}) {
  const runs: string[] = [];
  const made: Clone = {
    root: folder.path,
    packageStage,
    osls(given, onLine) {
      runs.push(given.args.join(' '));
      return osls(given, onLine);
    },
  };
  return { made, runs };
}

function session(target: Target = { kind: 'endpoint', url: sandbox().endpoint, stage: 'sandbox' }) {
  const shown: string[] = [];
  return { shown, made: sessionFor(target, (text) => shown.push(text)) };
}

describe('deploy', () => {
  it('deploys the package for its Region, looks at the stage, and says where things are', async () => {
    const { made, runs } = clone({
      osls: async (_run, onLine) => {
        for (const line of ['✔ Service deployed', 'functions:', '  A: a (1 kB)', 'Done']) onLine(line);
        return { status: 0, lines: ['✔ Service deployed'] };
      },
    });
    const { made: at, shown } = session();
    const { document, text, status } = await deploy({ options: {} }, at, made);
    spoken.push(shown.join(''), text, JSON.stringify(document));
    expect(runs).toEqual(['deploy --stage sandbox --region us-east-1 --package .serverless']);
    expect(status).toBe(0);
    expect(document).toMatchObject({ deployed: true, region: 'us-east-1', outputs: { Version: expect.any(String) } });
    expect(shown.join('')).toContain('✔ Service deployed');
    expect(shown.join('')).not.toContain('A: a');
    expect(shown.join('')).toMatch(/ok {4}deployment:/);
    expect(text).toContain(sandbox().stateMachineArn);
  });

  it('packages alone when it is only to try', async () => {
    const { made, runs } = clone({ packageStage: async () => ({ unchecked: ['accounts'] }) });
    const outcome = await deploy({ options: { 'dry-run': true } }, session().made, made);
    expect(outcome).toMatchObject({ document: { deployed: false }, text: expect.stringContaining('accounts') });
    expect(runs).toEqual([]);
  });

  it('says that nothing has changed', async () => {
    const lines = ['No changes to deploy. Deployment skipped.'];
    const { made } = clone({ osls: async () => ({ status: 0, lines }) });
    const outcome = await deploy({ options: {} }, session().made, made);
    expect(outcome).toMatchObject({
      document: { deployed: false },
      text: expect.stringContaining('nothing has changed'),
    });
  });

  it('deploys nothing when a check fails, or for another Region', async () => {
    const { made, runs } = clone({ packageStage: () => Promise.reject(new Error('builds: must have the SHA-256')) });
    const refused = deploy({ options: {} }, session().made, made);
    await expect(refused).rejects.toMatchObject({
      name: 'PackagingFailed',
      message: expect.stringContaining('SHA-256'),
    });
    const elsewhere: Target = { kind: 'stage', stage: 'sandbox', region: 'eu-west-1' };
    await expect(deploy({ options: {} }, session(elsewhere).made, clone().made)).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('eu-west-1'),
    });
    await expect(deploy({ options: {} }, session({ kind: 'sandbox' }).made, made)).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    expect(runs).toEqual([]);
  });

  it('names the resource that failed first, and not what osls says', async () => {
    const stage = 'broken';
    const client = new CloudFormationClient(operatorAt(sandbox().endpoint));
    const StackName = `infinstor-onboarding-${stage}`;
    const table = { TableName: sandbox().registryTable, BillingMode: 'PAY_PER_REQUEST' };
    const key = { AttributeName: 'pk' };
    const Properties = {
      ...table,
      AttributeDefinitions: [{ ...key, AttributeType: 'S' }],
      KeySchema: [{ ...key, KeyType: 'HASH' }],
    };
    const template = { Resources: { Registry: { Type: 'AWS::DynamoDB::Table', Properties } } };
    const { made } = clone({
      async osls() {
        await client.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify(template) }));
        await sandbox().cloudFormation.stack(StackName)?.work;
        return { status: 1, lines: ['✖ Error:', 'Stack failed', '    at osls (file.js:1)'] };
      },
    });
    const target: Target = { kind: 'endpoint', url: sandbox().endpoint, stage };
    await expect(deploy({ options: {} }, session(target).made, made)).rejects.toMatchObject({
      name: 'DeploymentFailed',
      message: expect.stringMatching(/^Registry \(AWS::DynamoDB::Table\): .*already exists/),
    });
    // What failed before is no reason of what fails now.
    const { made: silent } = clone({ osls: async () => ({ status: 1, lines: ['✖ Error:', 'No credentials'] }) });
    await expect(deploy({ options: {} }, session(target).made, silent)).rejects.toMatchObject({
      message: 'osls: ✖ Error: No credentials',
    });
    await client.send(new DeleteStackCommand({ StackName }));
  });
});

describe('remove', () => {
  const options = { confirm: 'sandbox' };

  it('refuses while there are subscribers, and then says what stays', async () => {
    expect((await onboard(sandbox(), requestFor('stays'))).error).toBeNull();
    const { made, runs } = clone();
    await expect(remove({ options }, session().made, made)).rejects.toMatchObject({
      name: 'SubscribersLeft',
      message: expect.stringContaining('stays (ACTIVE)'),
    });
    expect(runs).toEqual([]);
    const left = await remove({ options: { ...options, 'with-subscribers-left': true } }, session().made, made);
    expect(left.text).toContain(`aws dynamodb delete-table --table-name ${sandbox().registryTable}`);
    await run(sandbox(), 'offboard-subscriber', { subscriber: { userName: 'stays' }, confirm: 'stays' });
    await remove({ options }, session().made, made);
    expect(runs).toEqual(Array(2).fill('remove --stage sandbox --region us-east-1'));
  });

  it.each([
    ['nothing', {}, 'is not confirmed'],
    ['another name', { confirm: 'prod' }, "'prod' is not the stage"],
  ])('refuses %s in place of the name', async (_what, given, message) => {
    const { made, runs } = clone();
    const all = { ...given, 'with-subscribers-left': true };
    await expect(remove({ options: all }, session().made, made)).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining(message),
    });
    expect(runs).toEqual([]);
  });

  it('does not know of subscribers where the deployment never came about', async () => {
    const client = new CloudFormationClient(operatorAt(sandbox().endpoint));
    const StackName = 'infinstor-onboarding-begun';
    const TemplateBody = JSON.stringify({ Resources: { Bucket: { Type: 'AWS::S3::Bucket' } } });
    await client.send(new CreateStackCommand({ StackName, TemplateBody }));
    await sandbox().cloudFormation.stack(StackName)?.work;
    const target: Target = { kind: 'endpoint', url: sandbox().endpoint, stage: 'begun' };
    const { made, runs } = clone();
    const given = { confirm: 'begun' };
    await expect(remove({ options: given }, session(target).made, made)).rejects.toMatchObject({
      remedy: expect.stringContaining('--with-subscribers-left'),
    });
    await remove({ options: { ...given, 'with-subscribers-left': true } }, session(target).made, made);
    expect(runs).toEqual(['remove --stage begun --region us-east-1']);
  });

  it('names the resource that could not be removed', async () => {
    const { made } = clone({ osls: async () => ({ status: 1, lines: ['✖ Error:', 'Bucket is gone'] }) });
    const all = { ...options, 'with-subscribers-left': true };
    await expect(remove({ options: all }, session().made, made)).rejects.toMatchObject({
      name: 'RemovalFailed',
      message: expect.stringContaining('Bucket is gone'),
    });
  });
});
