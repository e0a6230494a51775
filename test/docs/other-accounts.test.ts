import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { parseTemplate } from '../../sandbox/services/cloudformation/template.ts';
import { accounts } from '../../tools/permissions/other-account.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const doc = read('docs/other-accounts.md');
const packaged = parseTemplate(
  readFileSync(join(inject('packageFolder'), 'cloudformation-template-update-stack.json'), 'utf8'),
);

const statements = v.array(
  v.object({
    Action: v.pipe(
      v.union([v.string(), v.array(v.string())]),
      v.transform((action) => [action].flat()),
    ),
    Effect: v.string(),
    Condition: v.optional(v.unknown()),
  }),
);
const role = v.looseObject({
  Policies: v.array(v.looseObject({ PolicyDocument: v.looseObject({ Statement: statements }) })),
});
const document = v.looseObject({ PolicyDocument: v.looseObject({ Statement: statements }) });
const otherAccount = parseTemplate(read('deployment/other-account.yaml'));
const granted = (template: typeof packaged, name: string) =>
  v
    .parse(role, template.Resources[name]?.Properties)
    .Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);

describe('the document of other accounts', () => {
  it.each(['other-account.yaml', 'forward-events.yaml'])('gives %s only parameters that it has', (file) => {
    const [, command = ''] = new RegExp(`${file.replace('.', '\\.')} --capab(.*?)\`\`\``, 's').exec(doc) ?? [];
    const given = [...command.matchAll(/(\w+)=/g)].map(([, name = '']) => name);
    const { Parameters } = parseTemplate(read(`deployment/${file}`));
    expect(Object.keys(Parameters)).toEqual(expect.arrayContaining(given));
    const required = Object.entries(Parameters).flatMap(([name, { Default }]) => (Default === undefined ? [name] : []));
    expect(given).toEqual(expect.arrayContaining(required));
  });

  it('has an upgrade in the document of deployments that gives other-account.yaml only parameters that it has, and each new one without a default', () => {
    const upgrade = read('docs/deploying.md');
    const [, command = ''] = /other-account\.yaml --capab(.*?)```/s.exec(upgrade) ?? [];
    const given = [...command.matchAll(/(\w+)=/g)].map(([, name = '']) => name);
    const { Parameters } = parseTemplate(read('deployment/other-account.yaml'));
    expect(Object.keys(Parameters)).toEqual(expect.arrayContaining(given));
    const required = Object.entries(Parameters).flatMap(([name, { Default }]) => (Default === undefined ? [name] : []));
    // A stack of 0.1.0 has these two, and keeps their values.
    expect([...given, 'DeploymentAccountId', 'ExternalId']).toEqual(expect.arrayContaining(required));
  });

  it('shows an account with the fields that it may have', () => {
    const [, example = ''] = /accounts: \|\n(.*?)```/s.exec(doc) ?? [];
    const [fields = {}] = Object.values(v.parse(v.record(v.string(), v.looseObject({})), JSON.parse(example)));
    const { stackEvents, ...shown } = accounts['222222222222'] ?? {};
    expect(Object.keys(fields)).toEqual(Object.keys(shown));
    expect(doc).toContain(`"stackEvents": "${stackEvents}"`);
  });

  it('names params that there are', () => {
    const params = v.parse(v.record(v.string(), v.unknown()), parse(read('stages/default.yml')));
    const shared = ['rolePath', 'requirePermissionsBoundary', 'bucketNamePattern', 'tableNamePattern'];
    for (const name of [
      'accounts',
      'stackRegions',
      'stackEventRegions',
      'stackNamePrefix',
      'roleNamePrefix',
      ...shared,
    ]) {
      expect(Object.keys(params)).toContain(name);
      expect(doc).toContain(`\`${name}\``);
    }
  });
});

it("the other account's boundary allows what the deployment's own does", () => {
  const [there, here] = [otherAccount, packaged].map(
    ({ Resources }) => v.parse(document, Resources.SubscriberBoundary?.Properties).PolicyDocument.Statement,
  );
  expect(there).toEqual(here);
  expect(there?.length).toBeGreaterThan(3);
});

it("the other account's roles trust what the deployment's own does", () => {
  const trust = ({ Resources }: typeof packaged) => Resources.StackServiceRole?.Properties.AssumeRolePolicyDocument;
  // There one prefix stands for what the names of now and of before begin with.
  const here = JSON.stringify(trust(packaged)).replace(
    /\[\{"Fn::Sub":"[^"]*-sandbox-\*"\},(\{"Fn::Sub":"[^"]*"\})\]/,
    '$1',
  );
  const there = JSON.stringify(trust(otherAccount)).replace('${StackNamePrefix}', 'infinstor-subscriber-');
  expect(there).toBe(here);
  expect(otherAccount.Parameters.DeploymentRolePrefix?.Default).toBe('infinstor-onboarding-dev-');
});

it("the other account's service role may do what the deployment's own may", () => {
  const there = granted(otherAccount, 'StackServiceRole');
  const nested = v.parse(document, packaged.Resources.PassStackServiceRole?.Properties).PolicyDocument.Statement;
  const here = [...granted(packaged, 'StackServiceRole'), ...nested];
  // What the deployment knows of itself is a parameter there.
  const parameter = [
    { Ref: 'DeploymentId' },
    { 'Fn::If': ['HasFormerTag', { Ref: 'FormerDeploymentTag' }, { Ref: 'AWS::NoValue' }] },
  ];
  const own = [{ 'Fn::Sub': '${AWS::AccountId}/${AWS::Region}/infinstor-onboarding-sandbox' }, 'infinstor/sandbox/'];
  expect(JSON.stringify(there)).toBe(JSON.stringify(here).replace(JSON.stringify(own), JSON.stringify(parameter)));
});
