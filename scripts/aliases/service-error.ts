// The base classes of the services are all alike.
import type { KMSServiceException as ServiceException } from '@aws-sdk/client-kms';

type Options = ConstructorParameters<typeof ServiceException>[0];
type Fault = Options['$fault'];

/** A class of errors of a service, as the SDK writes one out for each of them. */
export function serviceError(
  Base: typeof ServiceException,
  shapeId: string,
  fault: Fault,
  members: readonly string[] = [],
) {
  const errorName = shapeId.slice(shapeId.indexOf('#') + 1);
  return class Modeled extends Base {
    static override readonly shapeId = shapeId;
    override name = errorName;
    override $fault = fault;
    constructor(options: Omit<Options, 'name' | '$fault'> & Record<string, unknown>) {
      super({ name: errorName, $fault: fault, ...options });
      Object.setPrototypeOf(this, Modeled.prototype);
      Object.assign(this, Object.fromEntries(members.map((member) => [member, options[member]])));
    }
  };
}
