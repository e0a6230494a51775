import { describe, expect, it } from 'vitest';
import { planText } from '../../../../../cli/view/plan/plan-text.ts';
import type { Preview } from '../../../../../lib/preflight/preview.ts';
import { hash, keyArn, onboarding, policyFor } from './preview.ts';

const paint = (_: string, text: string) => text;
const next = `infinstor-onboarding onboard acme.json --plan ${hash} --stage prod`;
const at = (columns: number | undefined, plan: Preview = onboarding, diff = false) =>
  planText(plan, { paint, columns }, { diff, next });

describe('a plan', () => {
  it.each([60, 100, 200])('fits into %i columns, but for what is to be copied', (columns) => {
    const lines = at(columns).split('\n');
    const isWhole = /arn:|https:|[0-9a-f]{64}|\/credentials$/;
    // A sentence that stands alone is broken by the terminal.
    const own = lines.filter((line) => /^ /.test(line) && !isWhole.test(line));
    expect(own.filter((line) => [...line].length > columns)).toEqual([]);
    expect(lines.includes('    (CreateSubscriber)')).toBe(columns < 80);
    expect(lines.find((line) => line.includes('16384/32768'))).toMatch(
      /^ {2}▇{10,}·{10,} {2}16384\/32768 {2}bytes then$/,
    );
  });

  it('has what would be done in its order, with the states that do it', () => {
    expect(at(undefined)).toMatch(
      new RegExp(
        [
          'Plan: Onboarding acme',
          '  \\+ create subscriber acme  \\(CreateSubscriber\\)',
          '      InfinStor documents no call that takes this back',
          '  \\+ create secret infinstor/prod/subscribers/acme/credentials  \\(CreateSubscriber\\)',
          '  \\+ create stack x-acme  \\(DeployStack\\)',
          '      In account 111111111111, us-east-1',
          `  ~ update key policy ${keyArn}  \\(PatchKeyPolicy\\)\n`,
        ].join('\n'),
      ),
    );
  });

  it('has stack, cost, warnings, hash, and the command that starts it', () => {
    const text = at(undefined);
    expect(text).toMatch(/Stack\n +Name +x-acme\n/);
    expect(text).toMatch(/Parameter +SubscriberName = acme\n +Parameter +CustomToken = \*\*\*\*\n +Tag +team = data\n/);
    expect(text).toMatch(/Cost +about 0\.0014 USD once, 0\.4 USD more a month\n/);
    expect(text).toContain('! Template parameter CustomToken has no NoEcho');
    expect(text).toMatch(new RegExp(`Hash +${hash}\n +Next +${next}\n`));
  });

  it('has changes of key policies in short, or line by line', () => {
    expect(at(undefined)).toContain(
      `Key policy of ${keyArn}:\n  + statement "Roles": role R-acme\n  16384/32768  bytes`,
    );
    expect(at(undefined, onboarding, true)).toContain('  +           "arn:aws:iam::111111111111:role/R-acme",\n');
  });

  it('that changes nothing says so', () => {
    const before = policyFor('one');
    const keyPolicies = [{ keyArn, changed: false, before, after: before, diff: [], freeBytesAfter: 100 }];
    const text = at(undefined, { ...onboarding, converges: true, changes: [], keyPolicies });
    expect(text).toContain('Plan: Onboarding acme: nothing would change\n');
    expect(text).toContain(`Key policy of ${keyArn}: unchanged\n`);
  });

  it('of an offboarding has what is deleted, what stays, and that it costs less', () => {
    const { stack: _, ...rest } = onboarding;
    const text = at(undefined, {
      ...rest,
      operation: 'offboard-subscriber',
      changes: [
        { step: 'DeleteStack', kind: 'resource', action: 'retain', what: 'bucket' },
        { step: 'DeleteStack', kind: 'stack', action: 'delete', what: 'x-acme' },
        { step: 'CreateSubscriber', kind: 'subscriber', action: 'decide', what: 'acme' },
        { step: 'CreateSubscriber', kind: 'secret', action: 'restore', what: 's' },
      ],
      cost: { ...onboarding.cost, monthly: -0.8 },
    });
    expect(text).toContain('  = retain resource bucket  (DeleteStack)\n  - delete stack x-acme  (DeleteStack)\n');
    expect(text).toContain('  ? decide subscriber acme  (CreateSubscriber)\n  + restore secret s');
    expect(text).toContain('once, 0.8 USD less a month\n');
  });
});
