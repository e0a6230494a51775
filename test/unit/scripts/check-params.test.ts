import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseDocument, stringify } from 'yaml';
import { checkParams } from '../../../scripts/check-params.ts';
import { params } from '../../../scripts/list-params.ts';
import { variants } from '../../../scripts/package-variants.ts';
import { paramSchemas } from '../../../scripts/param-schemas.ts';

const root = join(import.meta.dirname, '../../..');
const file = readFileSync(join(root, 'serverless.yml'), 'utf8');
const hash = '0'.repeat(64);
const pinned = { infinstorMlflowUrl: 'https://mlflow.acme.example', builds: JSON.stringify({ '2.3.72': hash }) };

/** The file with a section for a stage. */
function withSection(section: unknown, stage = 'prod'): string {
  const document = parseDocument(file);
  document.setIn(['params', stage], section);
  return document.toString();
}

const brokenOf = async (values: Readonly<Record<string, unknown>>, stage = 'prod') =>
  (await checkParams(withSection({ ...pinned, ...values }, stage), stage)).broken;

const account = {
  roleArn: 'arn:aws:iam::222222222222:role/access',
  externalId: 'not-to-be-shown',
  stackServiceRoleArn: 'arn:aws:iam::222222222222:role/stacks',
  permissionsBoundaryArn: 'arn:aws:iam::222222222222:policy/boundary',
  regions: ['eu-west-1'],
};
const accounts = (change: object) => JSON.stringify({ '222222222222': { ...account, ...change } });

describe('the params of a stage', () => {
  it('have a schema each, and each schema is of a param', async () => {
    const names = (await params()).map(({ name }) => name);
    expect([...(await paramSchemas()).keys()].toSorted()).toEqual(names.toSorted());
  });

  it('are taken for the sandbox as they are, and with a section as the documents have it', async () => {
    expect(await checkParams(file, 'sandbox')).toEqual({ broken: [], unchecked: [] });
    expect(await brokenOf({}, 'dev')).toEqual([]);
    expect(await brokenOf({ region: 'us-gov-west-1', accounts: accounts({}), stackTimeoutMinutes: 70 })).toEqual([]);
  });

  it.each(Object.entries(variants))('of the package that is checked as "%s" are taken', async (_, variant) => {
    expect(await brokenOf(variant.params, 'sandbox')).toEqual([]);
  });

  it.each(['dev', 'pord', 'default', 'constructor'])(
    'are missed for the stage %s, with what to write',
    async (stage) => {
      const { broken } = await checkParams(withSection(pinned, 'prod'), stage);
      expect(broken).toHaveLength(1);
      expect(broken[0]).toContain(`no params for the stage ${stage}. It has: prod. Add them below \`params:\``);
      // It can be copied, and packaged with a URL and a hash.
      const [, example = ''] = /\n\n(.*)/s.exec(broken[0] ?? '') ?? [];
      expect(parse(example)).toEqual({ [stage]: expect.objectContaining({ infinstorMlflowUrl: expect.any(String) }) });
    },
  );

  it.each([null, '${file(prod.yml)}', ['region']])('are refused when the section is no map: %j', async (section) => {
    expect((await checkParams(withSection(section), 'prod')).broken).toEqual([
      'params.prod: must be a map of params, which is written in serverless.yml itself',
    ]);
  });

  it('are refused when there is no such param, beside what else is wrong', async () => {
    expect(
      await brokenOf({
        requirePermissionBoundary: 'false',
        infinstorMlflowURL: 'x',
        verify: 'on',
        defaultBuild: 'latest',
        infinstorMlflowUrl: 'https://mlflow.infinstor.example.com',
      }),
    ).toEqual([
      'requirePermissionBoundary: is no param: docs/params.md lists them. Is it misspelt?',
      'infinstorMlflowURL: is no param: docs/params.md lists them. Is it misspelt?',
      'defaultBuild: must be digits and dots, such as 2.3.72',
      'verify: must be ("off" | "warn" | "require")',
      'infinstorMlflowUrl: must be the URL of your service: example.com is a placeholder',
    ]);
  });

  it.each<[param: string, value: unknown, rule: string]>([
    ['stackRegions', 'us-east-1, eu-west-1', 'stackRegions.1: must be a Region, such as us-east-1'],
    ['stackEventRegions', 'here', 'stackEventRegions.0: must be a Region, such as us-east-1'],
    ['accounts', '{', 'accounts: must be JSON'],
    ['accounts', {}, 'accounts: must be text: put the value into quotes'],
    ['accounts', accounts({ externalID: 'x' }), 'accounts.222222222222.externalID: is not a known field'],
    [
      'accounts',
      accounts({ regions: ['mars'] }),
      'accounts.222222222222.regions.0: must be a Region, such as us-east-1',
    ],
    ['infinstorMlflowUrl', 'https://mlflow.acme.example/', 'infinstorMlflowUrl: must not end with a slash'],
    ['infinstorMlflowUrl', 'mlflow', 'infinstorMlflowUrl: must be a URL'],
    ['infinstorApiUrl', '/api', 'infinstorApiUrl: must be a URL'],
    ['superadminUserName', '', 'superadminUserName: must not be empty'],
    ['updateSubscriberFields', 'some', 'updateSubscriberFields: must be ("all" | "changed")'],
    ['templateBaseUrl', 's3/', 'templateBaseUrl: must be a URL'],
    ['templateBucket', 'A bucket', 'templateBucket: must be the name of a bucket'],
    ['defaultBuild', 'latest', 'defaultBuild: must be digits and dots, such as 2.3.72'],
    ['builds', '{"2.3.72": "not a hash"}', 'builds.2.3.72: must be a SHA-256 in 64 hexadecimal digits, in lower case'],
    ['requirePinnedTemplate', false, 'requirePinnedTemplate: must be text: put the value into quotes'],
    ['requirePinnedTemplate', 'no', 'requirePinnedTemplate: must be ("true" | "false")'],
    ['allowedTagKeys', 'team, owner', 'allowedTagKeys.1: must be separated by commas, without spaces'],
    [
      'rolePath',
      'infinstor',
      'rolePath: must be an IAM path: it begins and ends with a slash, such as / or /infinstor/',
    ],
    ['permissionsBoundaryArn', 'boundary', 'permissionsBoundaryArn: must be the ARN of a managed policy, or empty'],
    ['bucketNamePattern', 'Infin/*', 'bucketNamePattern: must be names of buckets with the wildcards * and ?'],
    ['tableNamePattern', '', 'tableNamePattern: must be names of tables with the wildcards * and ?'],
    ['formerStackNamePrefix', '', 'formerStackNamePrefix: must be the beginning of a stack name'],
    ['stackTimeoutMinutes', 'an hour', 'stackTimeoutMinutes: must be a number of minutes'],
    ['customResourceFunctions', 'infinstor*', 'customResourceFunctions: must be the ARN of functions, with wildcards'],
    ['secretRecoveryDays', '31', 'secretRecoveryDays: must be at most 30 days'],
    ['templateParameters', '{}', 'templateParameters.subscriber: is required'],
  ])('are refused in a wrong form: %s as %j', async (param, value, rule) => {
    expect(await brokenOf({ [param]: value })).toEqual([rule]);
  });

  it('are refused with a retention that CloudWatch Logs does not have', async () => {
    expect(await brokenOf({ logRetentionDays: 100 })).toEqual([
      expect.stringMatching(/^logRetentionDays: .* 90, 120,/),
    ]);
  });

  it('show no value that is refused', async () => {
    const shown = await brokenOf({ accounts: accounts({ roleArn: account.externalId }) });
    expect(shown).toEqual(['accounts.222222222222.roleArn: must be the ARN of a role']);
  });
});

describe('params that are right on their own', () => {
  const { boundary: _, ...withoutBoundary } = JSON.parse(String(parse(file).params.default.templateParameters));
  const templateParameters = JSON.stringify(withoutBoundary);
  const missingArn =
    'accounts.222222222222.permissionsBoundaryArn: is required, because templateParameters has the part boundary';
  const missingPart = 'templateParameters.boundary: is required, unless requirePermissionsBoundary is "false"';

  it('are refused when another account lacks the boundary that the template is to set', async () => {
    const lacking = accounts({ permissionsBoundaryArn: undefined });
    expect(await brokenOf({ accounts: lacking })).toEqual([missingArn]);
    expect(await brokenOf({ templateParameters, accounts: lacking })).toEqual([missingPart]);
    expect(await brokenOf({ templateParameters, accounts: lacking, requirePermissionsBoundary: 'false' })).toEqual([]);
  });

  it('are refused when the default build is not pinned and pins are required', async () => {
    const rule =
      'builds: must have the SHA-256 of the defaultBuild 2.3.73, unless requirePinnedTemplate is "false": `npm start -- template 2.3.73` prints it';
    expect(await brokenOf({ defaultBuild: '2.3.73' })).toEqual([rule]);
    expect(await brokenOf({ defaultBuild: '2.3.73', requirePinnedTemplate: 'false' })).toEqual([]);
  });

  it('are refused as the sandbox has them, and taken for the sandbox', async () => {
    const { infinstorMlflowUrl } = parse(file).params.default;
    const placeholder = 'infinstorMlflowUrl: must be the URL of your service: example.com is a placeholder';
    expect(await brokenOf({ infinstorMlflowUrl })).toEqual([placeholder]);
    const urls = { infinstorMlflowUrl: 'http://mlflow.acme.example', infinstorApiUrl: 'http://api.acme.example' };
    expect(await brokenOf(urls)).toEqual([
      'infinstorMlflowUrl: must begin with https://, because passwords are sent there',
      'infinstorApiUrl: must begin with https://, because passwords are sent there',
    ]);
    expect(await brokenOf({ infinstorMlflowUrl }, 'sandbox')).toEqual([]);
  });
});

describe('params that refer to something', () => {
  it('are checked with the values of others and of the stage', async () => {
    expect(await brokenOf({ region: 'mars' })).toEqual([
      'region: must be a Region, such as us-east-1',
      expect.stringMatching(/^stackRegions/),
      expect.stringMatching(/^stackEventRegions/),
    ]);
    const tooLong = `a${'-${sls:stage}'.repeat(20)}`;
    expect(await brokenOf({ stackNamePrefix: tooLong })).toEqual([
      'stackNamePrefix: must be the beginning of a stack name',
    ]);
  });

  it('are named when only osls knows the value', async () => {
    const section = { ...pinned, builds: '${env:BUILDS}', verify: '${param:tableNamePattern, "off"}' };
    expect(await checkParams(withSection(section), 'prod')).toEqual({ broken: [], unchecked: ['builds', 'verify'] });
  });
});

it('refuses a file without params, and one that has a param twice', async () => {
  await expect(checkParams('service: x', 'prod')).rejects.toThrow('serverless.yml: params is required');
  const twice = `${stringify({ params: { default: {} } })}  prod:\n    region: us-east-1\n    region: eu-west-1\n`;
  await expect(checkParams(twice, 'prod')).rejects.toThrow('keys must be unique');
});
