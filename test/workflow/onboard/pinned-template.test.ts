import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { template } from '../../../cli/commands/template.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { setUpOtherAccount } from '../../../tools/permissions/other-account.ts';
import { sessionFor } from '../../unit/cli/session.ts';
import { accountsPackage, requestIn, there, unheard } from '../accounts/elsewhere.ts';
import {
  ended,
  eventually,
  expectFailure,
  hold,
  onboard,
  requestFor,
  startOnboarding,
  useSandbox,
  withSandbox,
} from '../sandbox.ts';
import { newRun, stackOf } from '../subscriber.ts';

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const pinned = (builds: Record<string, string>) => ({
  BUILDS: JSON.stringify(builds),
  REQUIRE_PINNED_TEMPLATE: 'true',
});
/** A template of more bytes than CloudFormation takes in a call, among them such as are more than one to a letter. */
const long = (standIn: string) => `${standIn}\n# ${'Größe '.repeat(10_000)}\r\n`;

const sandbox = useSandbox();

/** The text that a subscriber's stack was made of. */
const bodyOf = (userName: string) => stackOf(sandbox(), userName)?.templateBody;

describe('a pinned template', () => {
  it('is created byte for byte, by the call itself', async () => {
    const run = newRun('pinned');
    const report = await onboard(sandbox(), run.request);
    expect(report.error).toBeNull();
    expect(bodyOf(run.userName)).toBe(sandbox().templates.standIn);
  });

  it('has the hash that the command prints, which reads it as everybody may', async () => {
    const { endpoint, templates } = sandbox();
    const { document } = await template({ words: [], options: {} }, sessionFor(endpoint));
    expect(document).toMatchObject({ sha256: hashOf(templates.standIn), nestedStacks: [] });
  });

  it('is changed with one byte more: refused before the subscriber is created', async () => {
    const { standIn } = sandbox().templates;
    const changed = `${standIn} `;
    sandbox().templates.publish(fixtures.build, changed);
    try {
      const run = newRun('pinned');
      const before = sandbox().calls().length;
      const report = await onboard(sandbox(), run.request);
      await expectFailure(sandbox(), report, { name: 'TemplateChanged', step: 'AcceptRequest' });
      for (const hash of [hashOf(standIn), hashOf(changed)]) expect(report.error?.message).toContain(hash);
      const calls = sandbox().calls().slice(before);
      expect(calls.map(({ operation }) => operation)).not.toContain('add_subscriber');
      expect(calls.filter(({ service }) => service === 's3').map(({ operation }) => operation)).toEqual(['GetObject']);
    } finally {
      sandbox().templates.publish(fixtures.build, standIn);
    }
  });

  it('is the one that was checked, whatever the vendor has when the stack is created', async () => {
    const { standIn } = sandbox().templates;
    const run = newRun('pinned');
    sandbox().templates.publish('9.3', standIn);
    // The call comes after the check, and before the stack.
    const release = hold(sandbox(), 'infinstor', 'add_subscriber');
    const before = sandbox().calls().length;
    const { executionArn } = await startOnboarding(sandbox(), { ...run.request, stack: { build: '9.3' } });
    await eventually(sandbox(), () =>
      expect(
        sandbox()
          .calls()
          .slice(before)
          .map(({ operation }) => operation),
      ).toContain('add_subscriber'),
    );
    sandbox().templates.publish('9.3', 'Resources: {}');
    release();
    expect((await ended(sandbox(), executionArn)).error).toBeNull();
    expect(bodyOf(run.userName)).toBe(standIn);
  });

  it('is created byte for byte from the copy when it is long', async () => {
    const run = newRun('pinned');
    const longTemplate = long(sandbox().templates.standIn);
    sandbox().templates.publish('9.4', longTemplate);
    const report = await onboard(sandbox(), { ...run.request, stack: { build: '9.4' } });
    expect(report.error).toBeNull();
    expect(bodyOf(run.userName)).toBe(longTemplate);
  });
});

describe('a template that is not pinned', () => {
  it('is TemplateNotPinned where the deployment requires pins, with its hash', async () => {
    await withSandbox({ environment: pinned({}) }, async (given) => {
      const report = await onboard(given, requestFor('unpinned'));
      await expectFailure(given, report, { name: 'TemplateNotPinned', step: 'AcceptRequest' });
      expect(report.error?.message).toContain(hashOf(given.templates.standIn));
      expect(given.infinstor.subscribers().map(({ userName }) => userName)).not.toContain('unpinned');
    });
  });
});

describe('a stack in another account', () => {
  it('is created byte for byte, also from the copy of a long template', async () => {
    await withSandbox({ ...accountsPackage(), environment: unheard }, async (given) => {
      await setUpOtherAccount(given);
      const longTemplate = long(given.templates.standIn);
      given.templates.publish('9.7', longTemplate);
      const request = requestIn('long-abroad', there);
      const report = await onboard(given, { ...request, stack: { ...request.stack, build: '9.7' } });
      expect(report.error).toBeNull();
      expect(stackOf(given, 'long-abroad', there)?.templateBody).toBe(longTemplate);
      expect(given.denials()).toEqual([]);
    });
  });

  it('cannot be created from a long template where its account may not read the copies', async () => {
    await withSandbox({ ...accountsPackage(), environment: unheard }, async (given) => {
      await setUpOtherAccount(given, { TemplateCopiesBucket: '' });
      given.templates.publish('9.7', long(given.templates.standIn));
      const request = requestIn('long-abroad', there);
      const report = await onboard(given, { ...request, stack: { ...request.stack, build: '9.7' } });
      await expectFailure(given, report, { name: 'TemplateNotReadable', step: 'AcceptRequest' });
      expect(report.error?.message).toContain('CloudFormation cannot read the copy of the template');
      const short = await onboard(given, requestIn('short-abroad', there));
      expect(short.error).toBeNull();
    });
  });
});
