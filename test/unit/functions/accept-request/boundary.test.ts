import { expect, it } from 'vitest';
import { accounts, fakeSts } from '../other-account.ts';
import { environment, setUp } from './accept-request-fixture.ts';

const there = '222222222222';
const stack = { accountId: there, region: 'us-east-1' };
const configured = { ACCOUNTS: JSON.stringify(accounts) };
const unbounded = {
  ACCOUNTS: JSON.stringify({ [there]: { ...accounts[there], permissionsBoundaryArn: undefined } }),
};
const { boundary: _, ...mapWithout } = JSON.parse(environment.TEMPLATE_PARAMETERS);
const withoutBoundary = { TEMPLATE_PARAMETERS: JSON.stringify(mapWithout) };

it.each([
  ['the map has none, and the deployment requires one', {}, withoutBoundary, 'TemplateMismatch'],
  ['the map has none, for another account', { stack }, { ...configured, ...withoutBoundary }, 'TemplateMismatch'],
  ['the map has one, and the account has none', { stack }, unbounded, 'InvalidConfiguration'],
])(
  'refuses a request before anything happens when, of permissions boundaries, %s',
  async (_, request, changes, name) => {
    fakeSts();
    const { accept, claims } = setUp();
    await expect(accept(request, changes)).rejects.toMatchObject({ name });
    expect(claims()).toEqual([]);
  },
);

it.each([
  ['here', {}, {}],
  ['in an account without one', { stack }, unbounded],
])('plans a role without a boundary %s where the deployment requires none', async (_, request, changes) => {
  fakeSts();
  const { accept } = setUp();
  expect(
    await accept(request, { ...changes, ...withoutBoundary, REQUIRE_PERMISSIONS_BOUNDARY: 'false' }),
  ).toMatchObject({
    stack: { parameters: expect.not.objectContaining({ Boundary: expect.anything() }) },
  });
});

it('refuses a request that sets the boundary itself', async () => {
  const parameters = { Boundary: 'arn:aws:iam::aws:policy/AdministratorAccess' };
  await expect(setUp().accept({ stack: { parameters } })).rejects.toMatchObject({
    name: 'InvalidRequest',
    field: 'stack.parameters.Boundary',
  });
});

it('plans the same stack, whatever the boundary is, as one that is older than it', async () => {
  const { accept } = setUp();
  const hashes = await Promise.all(
    [{}, { PERMISSIONS_BOUNDARY_ARN: 'arn:aws:iam::111111111111:policy/another' }].map((changes) =>
      accept({}, changes),
    ),
  );
  expect(hashes).toMatchObject([{ stack: { planHash: expect.any(String) } }, {}]);
  const [first, second] = hashes.map((plan) => JSON.stringify(plan).match(/"planHash":"(\w+)"/)?.[1]);
  expect(second).toBe(first);
});
