import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { customerManagedKeys } from '../../../../../lib/requests/onboarding.ts';
import { requestRules } from '../../../functions/plan.ts';
import { keyArn, named, otherKeyArn, parse, prefix, subscriber, tagsOf, withStack } from './requests.ts';

describe('a request', () => {
  it('needs nothing but the subscriber', () => {
    expect(parse({ subscriber })).toEqual({
      subscriber,
      stack: { accountId: '111111111111', region: 'us-east-1', parameters: {}, tags: {} },
      encryption: { artifacts: { type: 'sse-s3' }, tracking: { type: 'aws-owned' } },
    });
  });

  it('keeps the default of the one encryption that it does not choose', () => {
    expect(parse({ subscriber, encryption: { tracking: { type: 'aws-managed' } } }).encryption).toEqual({
      artifacts: { type: 'sse-s3' },
      tracking: { type: 'aws-managed' },
    });
  });

  it('may choose another account that is configured', () => {
    const stack = { accountId: '222222222222', region: 'eu-west-1' };
    expect(parse({ subscriber, stack }).stack).toMatchObject(stack);
  });

  it('may set every field', () => {
    const request = {
      subscriber,
      passwordSecretId: `${prefix}acme/password`,
      customTokenSecretId: `${prefix}acme/token`,
      stack: {
        build: '2.3.72',
        accountId: '111111111111',
        region: 'us-east-1',
        parameters: { VpcId: 'vpc-1' },
        tags: { 'cost center': 'ml' },
      },
      encryption: {
        artifacts: { type: 'sse-kms-customer-managed', keyArn },
        tracking: { type: 'customer-managed', keyArn: otherKeyArn },
      },
    };
    expect(parse(request)).toEqual(request);
  });

  it('may set 47 tags, with the values that IAM takes', () => {
    const value = 'Ünï 1_.:/=+@-';
    const tags = { ...tagsOf(45), longest: 'x'.repeat(256), value };
    expect(parse(withStack({ tags })).stack.tags).toEqual(tags);
  });

  it('may have the tag keys that IAM takes, in any script', () => {
    const tags = { Kostenträger: 'a', 部署: 'b', ['k'.repeat(128)]: 'c', '_.:/=+@- 1': 'd' };
    expect(parse(withStack({ tags })).stack.tags).toEqual(tags);
  });

  it('may set what the deployment lists', () => {
    const stack = { parameters: { VpcId: 'vpc-1' }, tags: { team: 'ml' } };
    expect(parse(withStack(stack), requestRules).stack).toMatchObject(stack);
  });

  it.each(['2.3', '10.20.30.40.50.60'])('may name the build %s', (build) => {
    expect(parse(withStack({ build })).stack.build).toBe(build);
  });

  it.each(['a', 'A1', 'a-b', 'a'.repeat(34)])('may name the subscriber %s', (userName) => {
    expect(parse(named(userName)).subscriber.userName).toBe(userName);
  });
});

describe('a request that follows the rules', () => {
  const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const alphanumeric = [...letters, ...'0123456789'];
  const userName = fc
    .tuple(
      fc.constantFrom(...letters),
      fc.string({ unit: fc.constantFrom(...alphanumeric, '-'), maxLength: 32 }),
      fc.constantFrom(...alphanumeric, ''),
    )
    .map((parts) => parts.join(''))
    .filter((name) => !name.endsWith('-'));
  const uuid = fc.uuid();
  const key = uuid.map((id) => `arn:aws:kms:us-east-1:111111111111:key/${id}`);
  const choice = (managed: string, plain: string[]) =>
    fc.oneof(
      fc.constantFrom(...plain).map((type) => ({ type })),
      key.map((arn) => ({ type: managed, keyArn: arn })),
    );
  const text = fc.string({ unit: fc.constantFrom(...alphanumeric, ' ', ':', '/'), minLength: 1, maxLength: 60 });
  const request = fc.record(
    {
      subscriber: fc.record({ userName, emailId: fc.emailAddress() }),
      stack: fc.record(
        {
          build: fc.array(fc.nat({ max: 999 }), { minLength: 2, maxLength: 6 }).map((parts) => parts.join('.')),
          region: fc.constantFrom('us-east-1', 'eu-west-1'),
          // A name that begins otherwise might be one that is refused, such as constructor.
          parameters: fc.dictionary(
            fc.string({ unit: fc.constantFrom(...alphanumeric), maxLength: 60 }).map((name) => `P${name}`),
            text,
          ),
          tags: fc
            .uniqueArray(
              fc.tuple(
                text.map((name) => `x${name}`),
                text,
              ),
              {
                // To IAM keys that differ only in case are one.
                selector: ([key]) => key.toLowerCase(),
                maxLength: 47,
              },
            )
            .map((entries) => Object.fromEntries(entries)),
        },
        { requiredKeys: [] },
      ),
      encryption: fc.record(
        {
          artifacts: choice('sse-kms-customer-managed', ['sse-s3', 'sse-kms-aws-managed']),
          tracking: choice('customer-managed', ['aws-owned', 'aws-managed']),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['subscriber'] },
  );

  it('is accepted, with the defaults filled in and nothing changed, and has names that AWS takes', () => {
    fc.assert(
      fc.property(request, (given) => {
        const passwordSecretId = `${prefix}${given.subscriber.userName.toLowerCase()}/new/password`;
        const parsed = parse({ ...given, passwordSecretId });
        expect(parsed).toMatchObject({ ...given, passwordSecretId });
        expect(`RoleForInfinStorMlflowService-${parsed.subscriber.userName}`.length).toBeLessThanOrEqual(64);
        expect(customerManagedKeys(parsed).length).toBeLessThanOrEqual(2);
      }),
    );
  });
});

describe('the customer managed keys of a request', () => {
  const artifacts = { type: 'sse-kms-customer-managed', keyArn };
  it.each([
    ['are none by default', {}, []],
    ["are the bucket's", { artifacts }, [keyArn]],
    ["are the table's", { tracking: { type: 'customer-managed', keyArn } }, [keyArn]],
    ['are both', { artifacts, tracking: { type: 'customer-managed', keyArn: otherKeyArn } }, [keyArn, otherKeyArn]],
    ['are one when both are the same', { artifacts, tracking: { type: 'customer-managed', keyArn } }, [keyArn]],
  ])('%s', (_name, encryption, keys) => {
    expect(customerManagedKeys(parse({ subscriber, encryption }))).toEqual(keys);
  });
});
