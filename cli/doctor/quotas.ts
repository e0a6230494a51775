import * as v from 'valibot';
import { askFunction } from '../aws/functions.ts';
import { type At, type Finding, fail, ok, warn } from './finding.ts';

const failureSchema = v.object({ error: v.object({ name: v.string(), message: v.string(), remedy: v.string() }) });
const quotasSchema = v.object({
  accounts: v.array(
    v.intersect([
      v.object({ accountId: v.string(), region: v.string() }),
      v.union([
        failureSchema,
        v.object({
          quotas: v.array(
            v.object({
              name: v.string(),
              askFor: v.string(),
              reserve: v.optional(v.number(), 0),
              subscribersThatFit: v.nullable(v.number()),
              errors: v.optional(v.array(v.object({ name: v.string(), message: v.string() })), []),
            }),
          ),
          subscribersThatFit: v.nullable(v.number()),
          narrowest: v.nullable(v.string()),
        }),
      ]),
    ]),
  ),
  keys: v.array(
    v.intersect([
      v.object({ keyArn: v.string() }),
      v.union([failureSchema, v.object({ freeBytes: v.number(), subscribersThatFit: v.nullable(v.number()) })]),
    ]),
  ),
});

/** What accounts and keys have left, as `GET /quotas` returns it. */
export type Quotas = v.InferOutput<typeof quotasSchema>;
/** A key of the registry, and the room in its policy. */
export type KeyRoom = Quotas['keys'][number];

/** The deployment's own function looks into each account with the role that onboardings have there. */
export const askQuotas = async (at: At): Promise<Quotas> =>
  v.parse(quotasSchema, await askFunction('get-quotas', {}, at));

/** So few more subscribers are worth a warning: an increase of a quota may take days. */
export const few = 10;

/** So many accounts that are broken are shown each. */
const maxShown = 5;

/** Whether the deployment can work in each account, and what AWS's quotas leave there. What is well is one line for all. */
export function judgeAccounts({ accounts }: Quotas, at: Pick<At, 'deployment' | 'command'>): Finding[] {
  const { stage } = at.deployment;
  const broken = accounts.flatMap((each) =>
    'error' in each
      ? [
          fail(
            `account ${each.accountId} ${each.region}`,
            `${each.error.name}: ${each.error.message}`,
            `Deploy deployment/other-account.yaml there again (docs/other-accounts.md), or correct accounts in stages/${stage}.yml. ${each.error.remedy}`,
          ),
        ]
      : [],
  );
  const readable = accounts.flatMap((each) => ('error' in each ? [] : [each]));
  const quotas = readable.flatMap(quotaFindings);
  const fits = readable.flatMap(({ subscribersThatFit }) => subscribersThatFit ?? []);
  const more = broken.length - maxShown;
  return [
    ...broken.slice(0, maxShown),
    ...(more > 0 ? [fail('accounts', `${more} more cannot be worked in`, at.command('quotas --json'))] : []),
    ...(broken.length < accounts.length
      ? [
          ok(
            'accounts',
            `The deployment can work in ${readable.map(({ accountId, region }) => `${accountId} ${region}`).join(', ')}`,
          ),
        ]
      : []),
    ...quotas,
    ...(quotas.length === 0 && fits.length > 0
      ? [ok('quotas', `Room for ${Math.min(...fits).toLocaleString('en-US')} more subscribers at least`)]
      : []),
  ];
}

function quotaFindings(account: Quotas['accounts'][number]): Finding[] {
  if ('error' in account) return [];
  return account.quotas.flatMap(({ name, askFor, subscribersThatFit: fit, reserve, errors }) => {
    const kept = reserve > 0 ? `: ${reserve} must stay free (param quotaReserve)` : '';
    const what = `quota of ${name}, ${account.accountId} ${account.region}`;
    const [error] = errors;
    if (fit === null) {
      return error === undefined
        ? []
        : [warn(what, `It could not be read: ${error.message}`, 'Allow what that names.')];
    }
    if (fit === 0) return [fail(what, `No subscriber fits any more${kept}`, askFor)];
    return fit < few ? [warn(what, `Only ${fit} more subscribers fit${kept}`, askFor)] : [];
  });
}
