import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox, SandboxOptions } from '../../../sandbox/boot.ts';
import { casesInScope } from '../../scope.ts';
import { newRole } from '../keys/key-policies.ts';
import {
  expectFailure,
  expectOneOfEach,
  happyPath,
  newKey,
  onboard,
  requestFor,
  requestWithKey,
  statesOf,
  useSandbox,
  withSandbox,
} from '../sandbox.ts';
import {
  endSession,
  fault,
  letLoginsBeForgotten,
  newName,
  roleNameOf,
  stackOf,
  subscribersNamed,
  supplyToken,
  takeMarkAway,
} from '../subscriber.ts';
import {
  atPath,
  nestedRole,
  nestedWhole,
  otherNames,
  otherParameterMap,
  type PublishedTemplates,
  with120Resources,
  withFixedExports,
  withoutNoEcho,
} from '../template-variants.ts';

type Options = Pick<SandboxOptions, 'infinstor' | 'environment' | 'editTemplate'>;

/** How a deployment or its vendor may differ, and where the design expects another end than usual. */
interface Variant extends Options {
  templates?: (standIn: string) => PublishedTemplates;
  /** Of a password that InfinStor does not take, and of a subscriber that exists already; default: the errors of that name. */
  refused?: string;
  duplicate?: string;
  /** The places that show the custom token. */
  leaks?: readonly string[];
  expectation?: (sandbox: Sandbox, userName: string) => void;
}

/** The build that templates of several files refer to each other by. */
const referredTo = '9.9.9';
let builds = 0;

/** Sends requests to a sandbox, for a build of the variant's own. */
function senderTo(sandbox: Sandbox, { templates }: Variant) {
  builds += 1;
  const build = `9.9.${builds}`;
  for (const [file, template] of Object.entries(templates?.(sandbox.templates.standIn) ?? {})) {
    // An edit that finds nothing to change would test nothing.
    expect(template).not.toBe(sandbox.templates.standIn);
    sandbox.templates.publish(build, template.replaceAll(`/${referredTo}/`, `/${build}/`), file);
  }
  const stack = templates === undefined ? {} : { stack: { build } };
  return (request: object) => onboard(sandbox, { ...request, ...stack });
}
type Send = ReturnType<typeof senderTo>;
type Scenario = (sandbox: Sandbox, send: Send, variant: Variant) => Promise<void>;

const succeedsAndConverges: Scenario = async (sandbox, send, { expectation }) => {
  const userName = newName('first');
  const keyArn = newKey(sandbox);
  const request = requestWithKey(userName, keyArn);
  const one = { userName, keyArns: [keyArn] };
  const report = await send(request);
  expectOneOfEach(sandbox, report, one);
  expect(statesOf(report)).toEqual(happyPath);
  const repeated = await send(request);
  expectOneOfEach(sandbox, repeated, one);
  expect(repeated.output).toEqual({ ...report.output, changed: [] });
  expectation?.(sandbox, userName);
};

const meetsAnExpiredLogin: Scenario = async (sandbox, send) => {
  const userName = newName('expired');
  // More than two refused logins in a day would have to wait.
  await sandbox.clock.quiet();
  letLoginsBeForgotten(sandbox);
  fault(sandbox, 'infinstor:add_subscriber:error=LoginExpired');
  const report = await send(requestFor(userName));
  expectOneOfEach(sandbox, report, { userName, keyArns: [] });
  expect(statesOf(report).filter((state) => state === 'ObtainToken')).toHaveLength(2);
};

const endsForARefusedPassword: Scenario = async (sandbox, send, { refused: name = 'InfinStorRejected' }) => {
  const userName = newName('refused');
  const passwordSecretId = `infinstor/sandbox/input/${userName}/password`;
  sandbox.secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: 'weak-password-marker' }));
  const report = await send({ ...requestFor(userName), passwordSecretId });
  await expectFailure(sandbox, report, { name, step: 'CreateSubscriber' });
  expect(subscribersNamed(sandbox, userName)).toEqual([]);
  expect(stackOf(sandbox, userName)).toBeUndefined();
};

const endsForADuplicateAndConverges: Scenario = async (sandbox, send, { duplicate: name = 'SubscriberExists' }) => {
  const userName = newName('existing');
  const request = requestFor(userName);
  // As if somebody had made it by hand: nothing of it is known here.
  fault(sandbox, 'infinstor:add_subscriber:drop');
  await send(request);
  await takeMarkAway(sandbox, userName);

  await expectFailure(sandbox, await send(request), { name, step: 'CreateSubscriber' });
  expect(stackOf(sandbox, userName)).toBeUndefined();
  await convergesWithItsToken(sandbox, send, userName);
};

async function convergesWithItsToken(sandbox: Sandbox, send: Send, userName: string): Promise<void> {
  const request = { ...requestFor(userName), ...supplyToken(sandbox, userName) };
  expectOneOfEach(sandbox, await send(request), { userName, keyArns: [] });
}

const variants: Record<string, Variant> = {
  'is as usual': {},
  'answers with custom_token': { infinstor: { tokenShape: 'custom_token' } },
  'answers with token': { infinstor: { tokenShape: 'token' } },
  'answers with customToken': { infinstor: { tokenShape: 'customToken' } },
  'answers with customToken, which has a prefix': { infinstor: { tokenShape: 'customToken', tokenPrefix: 'Custom ' } },
  'answers with a pair that wants a prefix': {
    infinstor: { tokenPrefix: 'Custom ' },
    environment: { CUSTOM_TOKEN_PREFIX: 'Custom' },
  },
  'does not say when a token ends': { infinstor: { tokenExpiry: 'absent' } },
  'answers with a token at another place': {
    infinstor: { tokenShape: 'nested' },
    environment: { CUSTOM_TOKEN_PATH: 'subscriber.credentials.value' },
  },
  'answers with an opaque token': { infinstor: { tokenShape: 'opaque' } },

  // An error that comes with the status of a success is no clear refusal, unless it says that the user exists.
  'answers errors as JSON with status 200': {
    infinstor: { duplicate: 'json 200', refusal: 'json 200' },
    refused: 'SubscriberOutcomeUnknown',
  },
  'answers errors as text with status 200': {
    infinstor: { duplicate: 'text 200', refusal: 'text 200' },
    refused: 'SubscriberOutcomeUnknown',
  },
  "answers errors as Lambda's own with status 200": {
    infinstor: { duplicate: 'lambda 200', refusal: 'lambda 200' },
    refused: 'SubscriberOutcomeUnknown',
  },
  'answers errors with status 403': {
    infinstor: { duplicate: 'text 403', refusal: 'text 409' },
  },
  'answers errors with status 409': { infinstor: { duplicate: 'text 409', refusal: 'json 409' } },
  'answers duplicates as JSON with status 409': { infinstor: { duplicate: 'json 409' } },
  // A server's error says nothing about its effect, whatever its text is.
  'answers errors with status 500': {
    infinstor: { duplicate: 'text 500', refusal: 'text 500' },
    refused: 'SubscriberOutcomeUnknown',
    duplicate: 'SubscriberOutcomeUnknown',
  },

  'answers expired logins with a page and 401': { infinstor: { expiredLogin: 'page 401' } },
  'answers expired logins with 401': { infinstor: { expiredLogin: 'json 401' } },
  'answers expired logins with 403': { infinstor: { expiredLogin: 'json 403' } },
  'redirects expired logins': { infinstor: { expiredLogin: 'redirect 302' } },

  'does not speak of external auth': { infinstor: { externalAuth: 'absent' } },
  'has external auth for all but the superadmin': { infinstor: { externalAuth: 'superadmin in the pool' } },
  'has other names for its hosts': {
    infinstor: { hosts: { mlflow: 'tracking', mlflowui: 'ui', mlflowstatic: 'assets', api: 'rest' } },
  },

  'has a template with other parameters': {
    templates: otherNames,
    environment: { TEMPLATE_PARAMETERS: JSON.stringify(otherParameterMap) },
  },
  'has a template that shows the token': { templates: withoutNoEcho, leaks: ['stacks'] },
  'has a template with the role at a path': {
    templates: atPath,
    // As the param rolePath has it.
    environment: { ROLE_PATH: '/infinstor/' },
    editTemplate: (template) => template.replaceAll(':role/RoleForInfin', ':role/infinstor/RoleForInfin'),
    expectation: ({ iam }, userName) =>
      expect(iam.role(roleNameOf(userName))?.arn).toContain(':role/infinstor/RoleFor'),
  },
  'has a template with 120 resources': {
    templates: with120Resources,
    expectation: (sandbox, userName) => expect(stackOf(sandbox, userName)?.resources).toHaveLength(120),
  },
  'has a template that makes the role in a nested stack': {
    templates: nestedRole,
    expectation: (sandbox, userName) =>
      expect(stackOf(sandbox, userName)?.resources.map(({ type }) => type)).not.toContain('AWS::IAM::Role'),
  },
  'has a template that leaves everything to a nested stack': {
    templates: nestedWhole,
    expectation: (sandbox, userName) => expect(stackOf(sandbox, userName)?.resources).toHaveLength(1),
  },
};

const scenarios = [succeedsAndConverges, meetsAnExpiredLogin, endsForARefusedPassword, endsForADuplicateAndConverges];

/** The scenarios that a variant's difference concerns. */
function concerned({ infinstor = {} }: Variant): readonly Scenario[] {
  if ('duplicate' in infinstor) return [endsForARefusedPassword, endsForADuplicateAndConverges];
  if ('expiredLogin' in infinstor) return [meetsAnExpiredLogin];
  // Its logins fail, which refusals and duplicates are found out by.
  if (infinstor.externalAuth === 'superadmin in the pool') return scenarios;
  return [succeedsAndConverges];
}

/** Variants that go the same way through the code: the usual run has one of each kind, and the others come with all cases. */
const kindsOfVariants = [
  ['answers with custom_token', 'answers with token', 'answers with customToken'],
  [
    'answers errors as JSON with status 200',
    'answers errors as text with status 200',
    "answers errors as Lambda's own with status 200",
  ],
  ['answers errors with status 403', 'answers errors with status 409', 'answers duplicates as JSON with status 409'],
  ['answers expired logins with a page and 401', 'answers expired logins with 401', 'answers expired logins with 403'],
];
const leftToAll = kindsOfVariants.flatMap((names, place) => {
  // A name that no variant has would leave nothing out.
  for (const name of names) if (!(name in variants)) throw new Error(`There is no variant that ${name}`);
  const usual = names[place % names.length];
  return names.filter((name) => name !== usual);
});

/** The scenarios of the usual run. */
const usualScenarios = (name: string, variant: Variant): readonly Scenario[] => {
  if (name === 'is as usual') return scenarios;
  return leftToAll.includes(name) ? [] : concerned(variant);
};

const cases = Object.entries(variants).flatMap(([name, variant]) => {
  const chosen = casesInScope(scenarios, usualScenarios(name, variant));
  return chosen.length === 0 ? [] : [{ name, variant, chosen }];
});

/**
 * Whether one sandbox serves it beside others: only the answers differ, or the template of a build. A session that is kept was found out
 * about InfinStor before it differed, and the rest is the deployment's.
 */
const isShared = ({ infinstor = {}, environment, editTemplate, leaks }: Variant) =>
  environment === undefined &&
  editTemplate === undefined &&
  leaks === undefined &&
  !('hosts' in infinstor) &&
  !('externalAuth' in infinstor);

const shared = useSandbox();

afterEach(() => {
  shared().faults.clear();
  shared().infinstor.vary({});
});

describe('an onboarding where InfinStor', () => {
  it.each(cases)('$name', async ({ variant, chosen }) => {
    const { infinstor = {}, environment = {}, editTemplate, leaks = [] } = variant;
    const runAll = async (sandbox: Sandbox) => {
      const send = senderTo(sandbox, variant);
      for (const scenario of chosen) await scenario(sandbox, send, variant);
      expect(sandbox.denials()).toEqual([]);
    };
    if (isShared(variant)) {
      shared().infinstor.vary(infinstor);
      await runAll(shared());
    } else {
      const options = { infinstor, environment, ...(editTemplate !== undefined && { editTemplate }) };
      await withSandbox(options, runAll, leaks);
    }
  });

  it('answers without a token: the outcome is unknown, and the token that a person supplies converges', async () => {
    shared().infinstor.vary({ tokenShape: 'none' });
    const send = senderTo(shared(), {});
    const unknown = { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' };
    const report = await send(requestFor('tokenless'));
    await expectFailure(shared(), report, unknown);
    expect(report.error?.message).toContain('its login succeeds');
    await expectFailure(shared(), await send(requestFor('tokenless')), unknown);
    await convergesWithItsToken(shared(), send, 'tokenless');
  });

  it('answers with a pair and wants a prefix: the stack fails, and the token that a person supplies converges', async () => {
    shared().infinstor.vary({ tokenPrefix: 'Custom ' });
    const send = senderTo(shared(), {});
    const report = await send(requestFor('pair'));
    await expectFailure(shared(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toContain('Invalid token');
    await convergesWithItsToken(shared(), send, 'pair');
  });

  it('has external auth, and its answer is lost: whether there is a subscriber cannot be found out', async () => {
    shared().infinstor.vary({ externalAuth: 'superadmin in the pool' });
    // The login, too, is one of this InfinStor.
    await endSession(shared());
    fault(shared(), 'infinstor:add_subscriber:drop');
    const report = await onboard(shared(), requestFor('lost'));
    await expectFailure(shared(), report, { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' });
    expect(report.error?.message).toContain('could not be found out');
    await convergesWithItsToken(shared(), senderTo(shared(), {}), 'lost');
  });

  it('has external auth for the superadmin, too: LoginRejected names it as a possible cause', () =>
    withSandbox({ infinstor: { externalAuth: 'superadmin elsewhere' } }, async (sandbox) => {
      const report = await onboard(sandbox, requestFor('first'));
      await expectFailure(sandbox, report, { name: 'LoginRejected', step: 'ObtainToken' });
      expect(report.error?.message).toContain('external auth');
      expect(sandbox.infinstor.subscribers()).toEqual([]);
    }));

  it('has a template with other parameters, which the deployment does not know: TemplateMismatch', async () => {
    const before = shared().infinstor.subscribers().length;
    const report = await senderTo(shared(), { templates: otherNames })(requestFor(newName('mismatched')));
    await expectFailure(shared(), report, { name: 'TemplateMismatch', step: 'AcceptRequest' });
    expect(shared().infinstor.subscribers()).toHaveLength(before);
  });
});

it('an onboarding where the template exports fixed names succeeds for one subscriber, and names the export to the next', async () => {
  const send = senderTo(shared(), { templates: withFixedExports });
  expectOneOfEach(shared(), await send(requestFor('one')), { userName: 'one', keyArns: [] });
  const report = await send(requestFor('two'));
  await expectFailure(shared(), report, { name: 'StackFailed', step: 'WaitForStack' });
  expect(report.error?.message).toContain('Export with name InfinStorRoleArn is already exported by stack');
});

describe('a nested stack', () => {
  it('that fails is reported with the reason of its own resource, and the same request converges', async () => {
    const send = senderTo(shared(), { templates: nestedRole });
    const userName = newName('nested');
    const roleName = roleNameOf(userName);
    newRole(shared(), roleName);
    const report = await send(requestFor(userName));
    await expectFailure(shared(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toMatch(/: Access: Role: .*already exists/);
    shared().iam.deleteRole(roleName);
    expectOneOfEach(shared(), await send(requestFor(userName)), { userName, keyArns: [] });
    expect(shared().denials()).toEqual([]);
  });

  it('with a macro fails where the deployment does not allow CAPABILITY_AUTO_EXPAND', async () => {
    const withMacro = (standIn: string) => {
      const published = nestedRole(standIn);
      return { ...published, 'access.yaml': `Transform: Macro\n${published['access.yaml']}` };
    };
    const report = await senderTo(shared(), { templates: withMacro })(requestFor(newName('macro')));
    await expectFailure(shared(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toContain('Access: Requires capabilities : [CAPABILITY_AUTO_EXPAND]');
  });

  it('gets CAPABILITY_AUTO_EXPAND where the deployment allows it', () =>
    withSandbox(
      { environment: { ALLOWED_CAPABILITIES: 'CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND' } },
      async (sandbox) => {
        const report = await senderTo(sandbox, { templates: nestedRole })(requestFor('first'));
        expectOneOfEach(sandbox, report, { userName: 'first', keyArns: [] });
        expect(stackOf(sandbox, 'first')?.capabilities).toContain('CAPABILITY_AUTO_EXPAND');
      },
    ));
});
