// A package that is deployed into an empty sandbox: by the calls of CloudFormation that osls makes for it, and by the unmodified osls.

import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteStackCommand } from '@aws-sdk/client-cloudformation';
import { GetFunctionCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { expect, inject, it } from 'vitest';
import type { EmptySandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { callApi } from '../../../tools/permissions/call-api.ts';
import { casesInScope } from '../../scope.ts';
import { onboard, requestFor, run, withSandbox } from '../sandbox.ts';
import { deployer, StackName } from './deployer.ts';
import { osls, projectFor } from './project.ts';
import { createSuperadminSecret, leaksIn, sandboxWith, withEmptySandbox } from './stage.ts';

it('is deployed into an empty sandbox, where it onboards a subscriber, and is updated and removed', () =>
  withEmptySandbox(async (empty) => {
    const { create, update, client, settled } = deployer(empty, inject('packageFolder'));
    expect(await create()).toBe('CREATE_COMPLETE');
    expect(await update()).toBe('UPDATE_COMPLETE');
    await createSuperadminSecret(empty, 'sandbox');
    const sandbox = await sandboxWith(empty, StackName);
    expect(await onboard(sandbox, requestFor('first'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await callApi(sandbox, 'GET', '/subscribers/first')).toMatchObject({
      status: 200,
      body: { status: 'ACTIVE' },
    });

    await expect(update()).rejects.toThrow('No updates are to be performed.');
    const lambda = new LambdaClient(operatorAt(empty.endpoint));
    const get = new GetFunctionCommand({ FunctionName: `${StackName}-get-subscriber` });
    const before = await lambda.send(get);
    expect(await update((template) => template.replace(/("Timeout": ?)\d+/g, (_all, name) => `${name}899`))).toBe(
      'UPDATE_COMPLETE',
    );
    const after = await lambda.send(get);
    expect(after.Configuration).toMatchObject({ Timeout: 899, CodeSha256: before.Configuration?.CodeSha256 });
    expect(Date.parse(after.Configuration?.LastModified ?? '')).toBeGreaterThan(
      Date.parse(before.Configuration?.LastModified ?? ''),
    );
    expect(await onboard(sandbox, requestFor('second'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await leaksIn(sandbox)).toEqual([]);
    expect(empty.denials()).toEqual([]);

    // Subscribers' roles have the boundary of the deployment, and its bucket is not empty: osls empties that before.
    await client.send(new DeleteStackCommand({ StackName }));
    expect(await settled()).toBe('DELETE_FAILED');
    const failed = empty.cloudFormation.stack(StackName)?.resources.filter(({ status }) => status === 'DELETE_FAILED');
    expect(Object.fromEntries(failed?.map(({ logicalId, statusReason }) => [logicalId, statusReason]) ?? [])).toEqual({
      SubscriberBoundary: expect.stringContaining('Cannot delete a policy attached to entities.'),
      ServerlessDeploymentBucket: expect.stringContaining('BucketNotEmpty'),
    });
    await expect(lambda.send(get)).rejects.toThrow('Function not found');
    expect((await callApi(sandbox, 'GET', '/subscribers/first')).status).toBe(404);
  }));

const stackName = 'infinstor-onboarding-dev';

/** The functions with the hashes of their code. */
async function codeIn({ endpoint }: EmptySandbox): Promise<string[]> {
  const { Functions = [] } = await new LambdaClient(operatorAt(endpoint)).send(new ListFunctionsCommand({}));
  return Functions.map(({ FunctionName, CodeSha256 }) => `${FunctionName} ${CodeSha256}`);
}

it.each(casesInScope(['another one'], []))('osls deploys, changes and removes a stage beside %s', () =>
  withSandbox({}, async (whole) => {
    const project = await projectFor(whole);
    const stack = () => whole.cloudFormation.stack(stackName);
    const eventCount = () => stack()?.events.length;
    try {
      expect(await osls(whole, project.path, 'deploy')).toContain('Service deployed to stack infinstor-onboarding-dev');
      expect(stack()).toMatchObject({ status: 'UPDATE_COMPLETE', tags: [{ Key: 'STAGE', Value: 'dev' }] });
      await createSuperadminSecret(whole, 'dev');
      const sandbox = await sandboxWith(whole, stackName);
      expect(await onboard(sandbox, requestFor('first'))).toMatchObject({ status: 'SUCCEEDED' });

      const before = eventCount();
      expect(await osls(whole, project.path, 'deploy')).toContain('No changes to deploy. Deployment skipped.');
      expect(eventCount()).toBe(before);

      await appendFile(join(project.path, 'dist/get-subscriber.cjs'), '\n// Another build.\n');
      const old = await codeIn(whole);
      expect(await osls(whole, project.path, 'deploy')).toContain('Service deployed to stack');
      const changed = (await codeIn(whole)).filter((code) => !old.includes(code)).map((code) => code.split(' ')[0]);
      expect(changed).toEqual([`${stackName}-get-subscriber`]);
      expect(await callApi(sandbox, 'GET', '/subscribers/first')).toMatchObject({ status: 200 });
      expect(await osls(whole, project.path, 'info')).toContain(`stack: ${stackName}`);

      await run(sandbox, 'offboard-subscriber', { subscriber: { userName: 'first' }, confirm: 'first' });
      expect(await leaksIn(sandbox)).toEqual([]);
      expect(await osls(whole, project.path, 'remove')).toContain('has been successfully removed');
      expect(stack()).toBeUndefined();
      expect(whole.denials()).toEqual([]);
      expect(await onboard(whole, requestFor('beside'))).toMatchObject({ status: 'SUCCEEDED' });
    } finally {
      project.remove();
    }
  }),
);
