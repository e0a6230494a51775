import { describe, expect, it } from 'vitest';
import { CommandError } from '../../../../cli/command-error.ts';
import { checkApi, judgeApi } from '../../../../cli/doctor/api.ts';
import { checking, fail, findingOf } from '../../../../cli/doctor/finding.ts';
import { judgeKey } from '../../../../cli/doctor/keys.ts';
import { judgeLogGroups, prefixesOf } from '../../../../cli/doctor/log-groups.ts';
import { judgeAccounts } from '../../../../cli/doctor/quotas.ts';
import { judgeForwarding, judgeRules } from '../../../../cli/doctor/rules.ts';
import { judgeService, type ServiceStatus } from '../../../../cli/doctor/service.ts';
import { judgeStack } from '../../../../cli/doctor/stack.ts';
import { judgeTemplate } from '../../../../cli/doctor/template.ts';
import { findingText, verdict } from '../../../../cli/doctor/text.ts';
import { at } from './at.ts';

const keyArn = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
const faultNamed = (name: string, message = 'reason') => ({ name, message, remedy: 'remedy' });
const error = { name: 'SomeError', message: 'reason', remedy: 'remedy' };
const short = (findings: readonly { what: string; outcome: string }[]) =>
  findings.map(({ what, outcome }) => `${outcome} ${what}`);

describe('an error of a check', () => {
  it('is a warning with the permission that is missing, where that is what it means', async () => {
    const denied = new CommandError(
      'AccessDeniedException',
      'Lambda answered: User: arn:aws:iam::111111111111:user/x is not authorized to perform: lambda:InvokeFunction on resource: y',
      'remedy',
    );
    expect(findingOf('accounts', 'lambda:Other', denied)).toMatchObject({
      outcome: 'warn',
      why: expect.stringContaining('lambda:InvokeFunction'),
      mend: expect.stringContaining('lambda:InvokeFunction'),
    });
    const silent = new CommandError('AccessDenied', 'CloudFormation answered: no', 'remedy');
    const [finding] = await checking('rules', 'cloudformation:ListStackResources', () => Promise.reject(silent));
    expect(finding).toMatchObject({
      outcome: 'warn',
      why: expect.stringContaining('cloudformation:ListStackResources'),
    });
  });

  it('is a failure with its remedy otherwise', () => {
    expect(findingOf('x', 'y', new CommandError('FunctionFailed', 'The function failed', 'Read its log'))).toEqual({
      ...{ what: 'x', outcome: 'fail', why: 'FunctionFailed: The function failed', mend: 'Read its log' },
    });
    expect(findingOf('x', 'y', new TypeError('reason'))).toMatchObject({ outcome: 'fail', mend: expect.any(String) });
    expect(findingOf('x', 'y', 'text')).toMatchObject({ outcome: 'fail', why: 'text' });
  });
});

describe('the stack', () => {
  it.each([
    ['CREATE_COMPLETE', 'ok'],
    ['UPDATE_COMPLETE', 'ok'],
    ['IMPORT_COMPLETE', 'ok'],
    ['UPDATE_ROLLBACK_COMPLETE', 'warn'],
    ['UPDATE_IN_PROGRESS', 'warn'],
    ['UPDATE_ROLLBACK_FAILED', 'fail'],
    ['DELETE_FAILED', 'fail'],
    ['ROLLBACK_COMPLETE', 'fail'],
  ])('that is %s: %s', (stackStatus, outcome) => {
    expect(judgeStack(at({ stackStatus }), '1.2.3')).toMatchObject([
      { what: 'deployment', outcome },
      { outcome: 'ok' },
    ]);
  });

  it('is of the version of the command', () => {
    const versions = ['1.2.3', '1.2.2', undefined].map((version) => judgeStack(at({ version }), '1.2.3')[1]?.outcome);
    expect(versions).toEqual(['ok', 'fail', 'fail']);
  });
});

describe('the service', () => {
  const fine: ServiceStatus = {
    service: { mlflowUrl: 'https://mlflow.acme.example', region: 'us-east-1' },
    superadmin: { secretId: 'infinstor/prod/superadmin' },
    login: { userName: 'root', since: '2026-01-31T00:00:00.000Z' },
    stackEventRegions: [],
  };
  const judged = (change: Partial<ServiceStatus>) => judgeService({ ...fine, ...change }, at());

  it('may be fine', () => {
    expect(short(judged({}))).toEqual(['ok InfinStor', 'ok superadmin secret', 'ok superadmin login']);
  });

  it('leaves a login that was not tried', () => {
    expect(short(judged({ service: { error }, login: null }))).toEqual([
      ...['fail InfinStor', 'ok superadmin secret', 'warn superadmin login'],
    ]);
  });

  it('only warns of a login that somebody else makes', () => {
    const login = { error: { ...error, name: 'LoginInProgress' } };
    expect(judged({ login })[2]).toMatchObject({ outcome: 'warn' });
    expect(judged({ login: { error } })[2]).toMatchObject({ outcome: 'fail', mend: 'remedy' });
  });

  it.each([
    ['Secret x: there is no such secret', 'aws secretsmanager create-secret --name infinstor/prod/superadmin '],
    ['it was marked for deletion', 'aws secretsmanager restore-secret --secret-id infinstor/prod/superadmin'],
    ['Secret x, password: is required', 'aws secretsmanager put-secret-value --secret-id infinstor/prod/superadmin '],
  ])('has a command for a secret of which %s, and no password in it', (message, command) => {
    const [, finding] = judged({ superadmin: { error: { ...error, message } }, login: null });
    expect(finding).toMatchObject({ outcome: 'fail', mend: expect.stringContaining(command) });
  });
});

describe('template and parameter map', () => {
  it.each(['TemplateNotReadable', 'TemplateChanged', 'TemplateNotPinned'])('%s is of the template', (name) => {
    expect(short(judgeTemplate([faultNamed(name)], [faultNamed(name)], at()))).toEqual([
      ...['fail template', 'warn parameter map'],
    ]);
  });

  it('may have parameters that are not there, or only with some choices', () => {
    const mismatch = faultNamed('TemplateMismatch', 'The template has no parameter X');
    expect(short(judgeTemplate([mismatch], [mismatch], at()))).toEqual(['ok template', 'fail parameter map']);
    expect(short(judgeTemplate([], [mismatch], at()))).toEqual(['ok template', 'warn parameter map']);
    expect(short(judgeTemplate([], [], at()))).toEqual(['ok template', 'ok parameter map']);
  });

  it('are not blamed for keys and accounts', () => {
    const other = [faultNamed('AccountNotAccessible')];
    expect(short(judgeTemplate(other, other, at()))).toEqual(['ok template', 'ok parameter map']);
  });
});

describe('a key', () => {
  const judged = (...[faults, room]: [Parameters<typeof judgeKey>[1], Parameters<typeof judgeKey>[2]?]) =>
    judgeKey(keyArn, faults, room, at());

  it.each([
    ['has no tag infinstor-onboarding', `aws kms tag-resource --key-id ${keyArn} --region eu-west-1 --tags`],
    ['is Disabled', `aws kms enable-key --key-id ${keyArn} --region eu-west-1`],
    ['is PendingDeletion', `aws kms cancel-key-deletion --key-id ${keyArn} --region eu-west-1`],
    ['is asymmetric', 'remedy'],
  ])('that %s has its command', (message, command) => {
    const [finding] = judged([faultNamed('KeyNotUsable', `Key k ${message}`)]);
    expect(finding).toMatchObject({ outcome: 'fail', mend: expect.stringContaining(command) });
  });

  it('is not blamed for the template', () => {
    expect(judged([faultNamed('TemplateChanged')])).toMatchObject([{ outcome: 'ok' }]);
  });

  it.each([
    [null, 'ok'],
    [100, 'ok'],
    [9, 'warn'],
    [0, 'fail'],
  ])('with room for %s: %s', (subscribersThatFit, outcome) => {
    expect(judged([], { keyArn, freeBytes: 1, subscribersThatFit })).toMatchObject([{ outcome }]);
  });

  it('whose policy cannot be read fails', () => {
    expect(judged([], { keyArn, error })).toMatchObject([{ outcome: 'fail', mend: 'remedy' }]);
  });
});

describe('accounts and quotas', () => {
  const home = { accountId: '222222222222', region: 'us-east-1' };
  const quota = (subscribersThatFit: number | null, errors: { name: string; message: string }[] = []) => ({
    ...home,
    quotas: [{ name: 'IAM roles', askFor: 'ask AWS', reserve: 0, subscribersThatFit, errors }],
    ...{ subscribersThatFit, narrowest: 'IAM roles' },
  });
  const judged = (accounts: Parameters<typeof judgeAccounts>[0]['accounts']) =>
    judgeAccounts({ accounts, keys: [] }, at());

  it.each([
    [500, ['ok accounts', 'ok quotas']],
    [9, ['ok accounts', 'warn quota of IAM roles, 222222222222 us-east-1']],
    [0, ['ok accounts', 'fail quota of IAM roles, 222222222222 us-east-1']],
  ])('with room for %i', (fit, expected) => {
    expect(short(judged([quota(fit)]))).toEqual(expected);
  });

  it('say that some must stay free, where few or none fit', () => {
    const why = (fit: number) => {
      const account = quota(fit);
      const quotas = account.quotas.map((each) => ({ ...each, reserve: 5 }));
      return judged([{ ...account, quotas }]).map((finding) => finding.why);
    };
    expect(why(0)).toContain('No subscriber fits any more: 5 must stay free (param quotaReserve)');
    expect(why(3)).toContain('Only 3 more subscribers fit: 5 must stay free (param quotaReserve)');
  });

  it('warns of what could not be read', () => {
    const [, finding] = judged([quota(null, [{ name: 'AccessDenied', message: 'x lacks y' }])]);
    expect(finding).toMatchObject({ outcome: 'warn', why: expect.stringContaining('x lacks y') });
  });

  it('names accounts that let nobody in, a few of many', () => {
    const broken = Array.from({ length: 7 }, (_, index) => ({
      accountId: `${index}`.repeat(12),
      region: 'us-east-1',
      error,
    }));
    expect(short(judged([...broken, quota(500)]))).toEqual([
      ...broken.slice(0, 5).map(({ accountId }) => `fail account ${accountId} us-east-1`),
      ...['fail accounts', 'ok accounts', 'ok quotas'],
    ]);
  });
});

describe('rules', () => {
  const rule = { bus: 'default', name: 'rule', state: 'ENABLED', targets: 1 };

  it.each([
    [{}, 'ok'],
    [{ state: 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS' }, 'ok'],
    [{ state: 'DISABLED' }, 'fail'],
    [{ state: undefined }, 'fail'],
    [{ targets: 0 }, 'fail'],
  ])('%o: %s', (change, outcome) => {
    expect(judgeRules([{ ...rule, ...change }], at())).toMatchObject([{ outcome }]);
  });

  it('on a bus of its own is enabled there', () => {
    const [finding] = judgeRules([{ ...rule, bus: 'own', state: 'DISABLED' }], at());
    expect(finding?.mend).toBe('aws events enable-rule --name rule --event-bus-name own');
  });

  it('send the events of another Region, or there is none that does', () => {
    const judged = (...states: (string | undefined)[]) =>
      judgeForwarding(
        'eu-west-1',
        states.map((state) => ({ ...rule, state })),
        at(),
      )[0];
    expect(judged('ENABLED', 'ENABLED')).toMatchObject({ outcome: 'ok' });
    expect(judged('ENABLED', 'DISABLED')).toMatchObject({
      outcome: 'fail',
      mend: expect.stringContaining('enable-rule'),
    });
    expect(judged()).toMatchObject({
      outcome: 'fail',
      mend: expect.stringContaining('EventBusArn=arn:aws:events:us-east-1:111111111111:event-bus/default'),
    });
  });
});

describe('log groups', () => {
  const group = { name: '/aws/lambda/a', isThere: true, retentionInDays: 90 };

  it.each([
    [{}, 'ok'],
    [{ retentionInDays: undefined }, 'warn'],
    [{ isThere: false, retentionInDays: undefined }, 'fail'],
  ])('%o: %s', (change, outcome) => {
    expect(judgeLogGroups([{ ...group, ...change }], at())).toMatchObject([{ outcome }]);
  });

  it('are asked for by what their names have in common', () => {
    const names = ['/aws/lambda/x-prod-a', '/aws/lambda/x-prod-b', '/aws/http-api/x-prod', '/aws/lambda/x-prod-b-c'];
    expect(prefixesOf(names)).toEqual(['/aws/http-api/x-prod', '/aws/lambda/x-prod-']);
  });
});

describe('the HTTP API', () => {
  it.each([
    [403, 200, 'ok'],
    [403, 403, 'warn'],
    [403, 500, 'fail'],
    [200, 200, 'fail'],
    [404, 404, 'fail'],
  ])('that answers %i without a signature and %i with one: %s', (unsigned, signed, outcome) => {
    expect(judgeApi('https://api', { status: unsigned }, { status: signed })).toMatchObject([{ outcome }]);
  });

  it('is asked without a signature, and then with one', async () => {
    const sent: string[] = [];
    const send: typeof fetch = async (url, init) => {
      const authorization = new Headers(init?.headers).get('authorization');
      sent.push(`${url} ${authorization?.replace(/^.*\/\d{8}\/(\S+),.*$/, '$1') ?? 'unsigned'}`);
      return new Response('{}', { status: authorization === null ? 403 : 200 });
    };
    const api = at({ outputs: { HttpApiId: 'abc' } });
    expect(await checkApi(api, send)).toMatchObject([{ outcome: 'ok' }]);
    const url = 'http://sandbox.example/_aws/execute-api/abc/subscribers?limit=1';
    expect(sent).toEqual([`${url} unsigned`, `${url} us-east-1/execute-api/aws4_request`]);
    const silent = () => Promise.reject(new Error('fetch failed', { cause: new Error('connect ECONNREFUSED') }));
    expect(await checkApi(api, silent)).toMatchObject([
      { outcome: 'fail', why: expect.stringContaining('ECONNREFUSED') },
    ]);
  });
});

describe('the text', () => {
  const why = 'It answers nobody, for a reason that takes some words';
  const finding = fail('HTTP API', why, 'aws apigatewayv2 do-something');

  it.each([60, 100, 200])('fits %i columns', (columns) => {
    const text = findingText(finding, { paint: (_style, part) => part, columns });
    for (const line of text.trimEnd().split('\n')) expect(line.length).toBeLessThan(columns);
    expect(text.replaceAll(/\s+/g, ' ')).toContain('FAIL HTTP API: It answers nobody');
    expect(text).toContain('→ aws apigatewayv2 do-something');
  });

  it('sums it up', () => {
    expect(verdict([{ ...finding, outcome: 'ok' }])).toBe('Nothing is wrong.\n');
    expect(verdict([finding, { ...finding, outcome: 'warn' }])).toBe('1 failed, 1 to be looked at, 0 in order.\n');
  });
});
