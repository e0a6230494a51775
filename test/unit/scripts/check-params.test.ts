import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { paramSchemas } from '../../../deployment/params/schemas.ts';
import { checkParams, stageFiles } from '../../../scripts/check-params.ts';
import { schemas, schemaText } from '../../../scripts/draw/schemas.ts';
import { environmentSchemas } from '../../../scripts/environment-schemas.ts';
import { params, stageExample } from '../../../scripts/list-params.ts';
import { variants } from '../../../scripts/package-variants.ts';

const root = join(import.meta.dirname, '../../..');
const files = await stageFiles(root, 'sandbox');
const defaults = parse(files.defaults);
const hash = '0'.repeat(64);
const pinned = { infinstorMlflowUrl: 'https://mlflow.acme.example', builds: JSON.stringify({ '2.3.72': hash }) };

/** The files of a project whose stage has this one. */
const withFile = (own: unknown, stage = 'prod') => ({
  ...files,
  own: typeof own === 'string' ? own : stringify(own),
  stages: ['sandbox', stage],
});

const brokenOf = async (values: Readonly<Record<string, unknown>>, stage = 'prod') =>
  checkParams(withFile({ ...pinned, ...values }, stage), stage).broken;

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
    expect([...paramSchemas.keys()].toSorted()).toEqual(names.toSorted());
  });

  it('are checked as the functions check the variables that hold them', async () => {
    const ofFunctions = Object.assign({}, ...[...(await environmentSchemas()).values()].map(({ entries }) => entries));
    const variables = parse(readFileSync(join(root, 'deployment/environment.yml'), 'utf8'));
    const compared = Object.entries(variables).flatMap(([variable, value]) => {
      const [, param] = /^\$\{param:(\w+)\}$/.exec(String(value)) ?? [];
      return param === undefined ? [] : [{ param, isSame: paramSchemas.get(param) === ofFunctions[variable] }];
    });
    expect(compared.length).toBeGreaterThan(20);
    expect(compared.filter(({ isSame }) => !isSame)).toEqual([]);
  });

  it('are taken for the sandbox as they are, and from a file as the documents have it', async () => {
    expect(checkParams(files, 'sandbox')).toEqual({ broken: [], unchecked: [] });
    expect(await brokenOf({}, 'dev')).toEqual([]);
    expect(await brokenOf({ region: 'us-gov-west-1', accounts: accounts({}), stackTimeoutMinutes: 70 })).toEqual([]);
  });

  it.each(Object.entries(variants))('of the package that is checked as "%s" are taken', async (_, variant) => {
    expect(await brokenOf(variant.params, 'sandbox')).toEqual([]);
  });

  it.each(['dev', 'pord', 'constructor'])('are missed for the stage %s, with what to write', async (stage) => {
    const { broken } = checkParams({ ...withFile(pinned), own: undefined }, stage);
    expect(broken).toHaveLength(1);
    expect(broken[0]).toContain(
      `has no file stages/${stage}.yml. There is: prod. \`npm start -- init ${stage}\` makes it;`,
    );
    expect(broken[0]).toContain('copy stages/example.yml');
    // It can be copied, and packaged with a URL and a hash.
    const [, example = ''] = /\n\n(.*)/s.exec(broken[0] ?? '') ?? [];
    const { infinstorMlflowUrl, builds } = pinned;
    expect(await brokenOf({ ...parse(example), infinstorMlflowUrl, builds })).toEqual([]);
  });

  it.each(['default', 'example'])('are never those of %s, which is no stage', async (stage) => {
    const { broken } = checkParams(await stageFiles(root, stage), stage);
    expect(broken).toEqual([`stages/${stage}.yml is for all stages: no stage can have this name.`]);
  });

  it('may be none, and are refused when the file has something else', async () => {
    expect(checkParams(withFile('# none\n'), 'prod')).toMatchObject({
      broken: [expect.stringMatching(/^builds/), expect.stringMatching(/^infinstorMlflowUrl/)],
    });
    for (const own of ['${file(prod.yml)}', ['region']]) {
      expect(checkParams(withFile(own), 'prod').broken).toEqual([
        'stages/prod.yml: must be a map of params: a line `name: value` for each',
      ]);
    }
  });

  it('are refused with the line, and without what stands there, when the file is no YAML or has a param twice', async () => {
    const brokenIn = async (own: string) => checkParams(withFile(own), 'prod').broken;
    expect(await brokenIn('region: us-east-1\nregion: eu-west-1\n')).toEqual([
      'stages/prod.yml: is no YAML: Map keys must be unique at line 2, column 1',
    ]);
    const [broken] = await brokenIn('region: us-east-1\naccounts: "{ not-to-be-shown\n');
    expect(broken).toMatch(/^stages\/prod.yml: is no YAML: .* at line \d+, column \d+$/);
    expect(broken).not.toContain('not-to-be-shown');
  });

  it('are refused in serverless.yml, where they were, with the place where they go', async () => {
    const brokenWith = async (section: string) => {
      const serverless = files.serverless.replace(/^params: .*$/m, section);
      expect(serverless).not.toBe(files.serverless);
      return checkParams({ ...withFile(pinned), serverless }, 'prod').broken;
    };
    const line = 'serverless.yml: must have the line `params: ${file(deployment/params.cjs)}` and no params itself';
    expect(await brokenWith('params:\n  default:\n    region: us-east-1\n  prod:\n    region: eu-west-1\n')).toEqual([
      expect.stringContaining('Move what is below `params.prod` into a file stages/prod.yml, without its indentation.'),
    ]);
    // As a merge leaves it that kept both sides.
    const both = 'params: ${file(deployment/params.cjs)}\n  prod:\n    region: eu-west-1\n';
    for (const section of [both, '', 'params: {}']) {
      expect(await brokenWith(section)).toEqual([expect.stringContaining(line)]);
      expect(await brokenWith(section)).toEqual([expect.stringContaining('into stages/<stage>.yml.')]);
    }
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
      'verify: must be one of "off", "warn", "require"',
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
    ['updateSubscriberFields', 'some', 'updateSubscriberFields: must be one of "all", "changed"'],
    ['templateBaseUrl', 's3/', 'templateBaseUrl: must be a URL'],
    ['templateBucket', 'A bucket', 'templateBucket: must be the name of a bucket'],
    ['defaultBuild', 'latest', 'defaultBuild: must be digits and dots, such as 2.3.72'],
    ['builds', '{"2.3.72": "not a hash"}', 'builds.2.3.72: must be a SHA-256 in 64 hexadecimal digits, in lower case'],
    ['requirePinnedTemplate', false, 'requirePinnedTemplate: must be text: put the value into quotes'],
    ['requirePinnedTemplate', 'no', 'requirePinnedTemplate: must be one of "true", "false"'],
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

  it('are refused with a key of another Region', async () => {
    const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-2222-3333-4444-555555555555';
    expect(await brokenOf({ ...pinned, region: 'us-east-1', kmsKeyArn })).toEqual([
      'kmsKeyArn: must be a key of the region us-east-1, because services use only keys of their own Region',
    ]);
    expect(await brokenOf({ ...pinned, region: 'eu-west-1', kmsKeyArn })).toEqual([]);
    expect(await brokenOf({ ...pinned, kmsKeyArn: 'alias/ours' })).toEqual([
      'kmsKeyArn: must be the ARN of a KMS key, or empty',
    ]);
  });

  it('show no value that is refused', async () => {
    const shown = await brokenOf({ accounts: accounts({ roleArn: account.externalId }) });
    expect(shown).toEqual(['accounts.222222222222.roleArn: must be the ARN of a role']);
  });
});

describe('params that are right on their own', () => {
  const { boundary: _, ...withoutBoundary } = JSON.parse(String(defaults.templateParameters));
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
    const { infinstorMlflowUrl } = defaults;
    const placeholder = 'infinstorMlflowUrl: must be the URL of your service: example.com is a placeholder';
    expect(await brokenOf({ infinstorMlflowUrl })).toEqual([placeholder]);
    const urls = { infinstorMlflowUrl: 'http://mlflow.acme.example', infinstorApiUrl: 'http://api.acme.example' };
    expect(await brokenOf(urls)).toEqual([
      'infinstorMlflowUrl: must begin with https://, because passwords are sent there',
      'infinstorApiUrl: must begin with https://, because passwords are sent there',
    ]);
    expect(await brokenOf({ infinstorMlflowUrl }, 'sandbox')).toEqual([]);
  });

  it('may be those of a stage in a sandbox, on the computer itself and nowhere else', async () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
      for (const url of [`http://${host}:${host.length}/infinstor`, `http://${host}/infinstor`]) {
        expect(await brokenOf({ infinstorMlflowUrl: url, infinstorApiUrl: url })).toEqual([]);
      }
    }
    for (const host of ['127.0.0.1', 'localhost'].flatMap((name) => [`${name}.acme.example`, `${name}@acme.example`])) {
      expect(await brokenOf({ infinstorMlflowUrl: `http://${host}/x` })).toHaveLength(1);
    }
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
    const own = { ...pinned, builds: '${env:BUILDS}', verify: '${param:tableNamePattern, "off"}' };
    expect(checkParams(withFile(own), 'prod')).toEqual({ broken: [], unchecked: ['builds', 'verify'] });
  });
});

describe('the example of a stage', () => {
  it('is what `npm run list-params` writes', async () => {
    expect(readFileSync(join(root, 'stages/example.yml'), 'utf8')).toBe(await stageExample());
  });

  it('is refused until the URL and the hash are there, and has every param', async () => {
    const example = await stageExample();
    const { broken } = checkParams(withFile(example), 'prod');
    expect(broken.map((each) => each.replace(/:.*/, ''))).toEqual(['infinstorMlflowUrl', 'builds.2.3.72']);
    expect(await brokenOf({ ...parse(example), ...pinned })).toEqual([]);
    // With the defaults as they are.
    expect(parse(example.replace(/^#(?=[^ \n])/gm, '').replace(/^#(?= {2})/gm, ''))).toEqual({
      ...defaults,
      ...parse(example),
    });
  });
});

it('the schema for editors is what `npm run draw-schemas` writes, and every file of a stage names it', async () => {
  for (const [name, schema] of await schemas()) {
    expect(readFileSync(join(root, 'schemas', name), 'utf8')).toBe(schemaText(schema));
  }
  for (const name of readdirSync(join(root, 'stages'))) {
    const [first] = readFileSync(join(root, 'stages', name), 'utf8').split('\n');
    expect(first).toBe('# yaml-language-server: $schema=../schemas/stage.json');
  }
});
