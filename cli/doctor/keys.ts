import { arnOwner } from '../../lib/aws/arns.ts';
import { type At, type Finding, fail, ok, warn } from './finding.ts';
import { type PlanFault, planFaults } from './probe.ts';
import { few, type KeyRoom } from './quotas.ts';
import { ofKeysAndAccounts, said } from './template.ts';

/** How many keys are looked at at the same time. */
const atOnce = 5;

/**
 * Whether onboardings may use keys: those that subscribers use already, and those that are named.
 * @param rooms what the deployment knows of its keys
 */
export async function checkKeys(rooms: readonly KeyRoom[], named: readonly string[], at: At): Promise<Finding[]> {
  const keyArns = [...new Set([...rooms.map(({ keyArn }) => keyArn), ...named])];
  if (keyArns.length === 0) {
    return [
      ok(
        'keys',
        `No subscriber has a key of its own yet; to look at one that is to be used: ${at.command('doctor --key ARN')}`,
      ),
    ];
  }
  const findings: Finding[] = [];
  for (let place = 0; place < keyArns.length; place += atOnce) {
    const found = keyArns.slice(place, place + atOnce).map(async (keyArn) => {
      const { accountId, region } = arnOwner(keyArn);
      const faults = await planFaults(
        {
          stack: { accountId, region },
          encryption: {
            artifacts: { type: 'sse-kms-customer-managed', keyArn },
            tracking: { type: 'customer-managed', keyArn },
          },
        },
        at,
      );
      return judgeKey(
        keyArn,
        faults,
        rooms.find((room) => room.keyArn === keyArn),
        at,
      );
    });
    findings.push(...(await Promise.all(found)).flat());
  }
  return findings;
}

/** @param faults of a plan that uses the key: those of other things have their own checks @param room undefined: no subscriber uses the key yet */
export function judgeKey(
  keyArn: string,
  faults: readonly PlanFault[],
  room: KeyRoom | undefined,
  { aws }: Pick<At, 'aws'>,
): Finding[] {
  const what = `key ${keyArn}`;
  const own = faults.filter(({ name }) => ofKeysAndAccounts.has(name));
  if (own.length > 0) return own.map((fault) => fail(what, said(fault), mendOf(keyArn, fault, aws)));
  if (room !== undefined && 'error' in room) {
    return [fail(what, `${room.error.name}: ${room.error.message}`, room.error.remedy)];
  }
  const fit = room?.subscribersThatFit;
  if (fit == null) return [ok(what, 'Onboardings may use it')];
  if (fit === 0)
    return [fail(what, 'Its policy has no room for another subscriber', 'Use another key for new subscribers.')];
  return [
    fit < few
      ? warn(what, `Its policy has room for only ${fit} more subscribers`, 'Use another key for new subscribers.')
      : ok(what, `Onboardings may use it; its policy has room for ${fit} more subscribers`),
  ];
}

function mendOf(keyArn: string, { message, remedy }: PlanFault, aws: At['aws']): string {
  const at = `--key-id ${keyArn} --region ${arnOwner(keyArn).region}`;
  if (/\btag\b/.test(message)) {
    return aws(`kms tag-resource ${at} --tags TagKey=infinstor-onboarding,TagValue=allowed`);
  }
  if (/PendingDeletion/.test(message)) return aws(`kms cancel-key-deletion ${at}`);
  return /Disabled/.test(message) ? aws(`kms enable-key ${at}`) : remedy;
}
