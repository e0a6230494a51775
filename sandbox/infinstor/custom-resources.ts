import * as v from 'valibot';
import type { Faults } from '../core/faults.ts';
import type { CustomResource } from '../core/resource-provider.ts';
import type { InfinStor } from './infinstor.ts';

interface Parts {
  faults: Pick<Faults, 'take'>;
  /** Asked when needed, because the service comes up after CloudFormation. */
  infinstor: () => Pick<InfinStor, 'redeem'>;
}

const registrationSchema = v.looseObject({
  CustomToken: v.string(),
  RoleArn: v.string(),
  BucketName: v.string(),
  TableName: v.string(),
});

const troubleSchema = v.looseObject({
  /** When the trouble begins. */
  On: v.picklist(['Create', 'Delete']),
  /** `Hang`: it never answers. */
  Outcome: v.picklist(['Fail', 'Hang']),
  Reason: v.optional(v.string(), 'Trouble was asked for'),
});

/**
 * What stands behind the custom resources of templates: InfinStor, which a subscriber's stack registers with, and
 * `Custom::SandboxTrouble`, by which a template asks for a resource that fails or never ends.
 */
export function createCustomResources({ faults, infinstor }: Parts): CustomResource {
  return async (type, properties) => {
    if (type === 'Custom::SandboxTrouble') return trouble(v.parse(troubleSchema, properties));
    const { CustomToken, ...registration } = v.parse(registrationSchema, properties);
    const fault = faults.take('infinstor', 'register');
    if (fault?.kind === 'error') throw new Error(`InfinStor answered ${fault.name}`);
    infinstor().redeem(CustomToken, {
      roleArn: registration.RoleArn,
      bucketName: registration.BucketName,
      tableName: registration.TableName,
    });
    return { physicalId: registration.RoleArn, attributes: {} };
  };
}

async function trouble({ On, Outcome, Reason }: v.InferOutput<typeof troubleSchema>) {
  const happen = async () => {
    if (Outcome === 'Fail') throw new Error(Reason);
    await new Promise(() => {});
  };
  if (On === 'Create') await happen();
  return { physicalId: 'trouble', attributes: {}, ...(On === 'Delete' && { delete: happen }) };
}
