// What docs/deploying.md says of a deployment that fails, and of one that is removed, with the package itself.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { deployPackage } from '../../../sandbox/deploy-package.ts';
import { setUp } from './services/cloudformation/cloudformation-fixture.ts';

const registry = 'infinstor-onboarding-sandbox-registry';

/** A sandbox's CloudFormation, and the package for it. */
function setUpPackage() {
  const packageFolder = inject('packageFolder');
  const { cloudFormation, caller: deployer } = setUp({ packageFolder });
  const deploy = (editTemplate = (template: string) => template) =>
    deployPackage(cloudFormation, { packageFolder, editTemplate, parameters: {}, deployer });
  return {
    deploy,
    /** With a resource that fails after the registry and most others. */
    deployInVain: (edit = (template: string) => template) => deploy((template) => withFailing(edit(template))),
    remove: () => cloudFormation.remove('infinstor-onboarding-sandbox'),
    deleteByHand: cloudFormation.deleteByHand,
    tables: () => cloudFormation.tables().map(({ name }) => name),
  };
}

function withFailing(text: string): string {
  const { Resources, ...template } = JSON.parse(text);
  const failing = {
    Type: 'AWS::SQS::Queue',
    DependsOn: Object.keys(Resources),
    Properties: { QueueName: 'failing', MessageRetentionPeriod: 60, FifoQueue: true },
  };
  return JSON.stringify({ ...template, Resources: { ...Resources, Failing: failing } });
}

const retaining = (template: string) => template.replaceAll('"RetainExceptOnCreate"', '"Retain"');

describe('a first deployment that fails', () => {
  it('leaves nothing, so that the next one succeeds', async () => {
    const { deploy, deployInVain, tables } = setUpPackage();
    await expect(deployInVain()).rejects.toThrow('The sandbox cannot deploy Failing');
    expect(tables()).toEqual([]);
    await deploy();
    expect(tables()).toEqual([registry]);
  });

  it('would leave the registry, on which every other would fail, if that were always retained', async () => {
    const { deploy, deployInVain, tables } = setUpPackage();
    await expect(deployInVain(retaining)).rejects.toThrow('The sandbox cannot deploy Failing');
    expect(tables()).toEqual([registry]);
    await expect(deploy()).rejects.toThrow('The sandbox cannot deploy Registry');
  });
});

describe('a deployment that is removed', () => {
  it('leaves the registry, which has to be deleted before the next', async () => {
    const { deploy, remove, deleteByHand, tables } = setUpPackage();
    await deploy();
    await remove();
    expect(tables()).toEqual([registry]);
    await expect(deploy()).rejects.toThrow(/cannot deploy Registry: .*(exists|in use)/);
    expect(tables()).toEqual([registry]);
    await deleteByHand(registry);
    await deploy();
    expect(tables()).toEqual([registry]);
  });
});

it('retains just the registry and the copies of templates', () => {
  const text = readFileSync(join(inject('packageFolder'), 'cloudformation-template-update-stack.json'), 'utf8');
  const retained = ['"DeletionPolicy": "RetainExceptOnCreate"', '"UpdateReplacePolicy": "Retain"'];
  expect(text.match(/"(Update\w+|Deletion)Policy": ?"\w+"/g)).toEqual([...retained, ...retained]);
  for (const logicalId of ['Registry', 'TemplateCopies']) expect(text).toContain(`"${logicalId}": {`);
});
