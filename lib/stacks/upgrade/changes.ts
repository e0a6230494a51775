import type { Change, ResourceChange, ResourceChangeDetail } from '@aws-sdk/client-cloudformation';

/**
 * What an upgrade must not replace or remove unasked: what holds a subscriber's data, a key that it may be encrypted with, the role that InfinStor
 * assumes, and stacks, with all that is in them.
 */
const keptTypes = [
  'AWS::S3::Bucket',
  'AWS::DynamoDB::Table',
  'AWS::DynamoDB::GlobalTable',
  'AWS::KMS::Key',
  'AWS::IAM::Role',
  'AWS::CloudFormation::Stack',
];

/** A resource that a change set replaces or removes. */
export interface Loss {
  /** The logical id, after those of the stacks that nest it, `Inner.Bucket`. */
  path: string;
  type: string;
  /** Of the one that is there. */
  physicalId: string | undefined;
  /** Such as `replace` and `perhaps replace`. */
  what: 'replace' | 'perhaps replace' | 'remove';
  /** What becomes of the one that is there, where CloudFormation says so. */
  fate: string;
}

/**
 * What a change set replaces or removes of what an upgrade must keep.
 * @param within the logical ids of the stacks that nest the change set's, each with a dot
 */
export function lossesIn(changes: readonly Change[], within = ''): Loss[] {
  return changes.flatMap(({ ResourceChange: change }) => {
    if (change?.ResourceType === undefined || !keptTypes.includes(change.ResourceType)) return [];
    const what = lossOf(change);
    if (what === undefined) return [];
    const { LogicalResourceId, PhysicalResourceId: physicalId, ResourceType: type } = change;
    return [{ path: `${within}${LogicalResourceId}`, type, physicalId, what, fate: fateOf(change) }];
  });
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html */
function lossOf({ Action, Replacement }: ResourceChange): Loss['what'] | undefined {
  switch (Action) {
    case 'Remove':
      return 'remove';
    case 'Add':
    case 'Import':
      return undefined;
    case 'Modify':
      if (Replacement === 'True') return 'replace';
      return Replacement === 'Conditional' ? 'perhaps replace' : undefined;
    default:
      // `Dynamic`: CloudFormation finds out only when it does it. And an action that AWS has added since.
      return 'perhaps replace';
  }
}

function fateOf({ PolicyAction }: ResourceChange): string {
  if (PolicyAction === undefined) return '';
  return PolicyAction.endsWith('Retain')
    ? ', which leaves the one that is there'
    : ', which deletes the one that is there';
}

/** Whether a request allows it, by its path, its logical id or its type. */
export const isAllowed = ({ path, type }: Loss, allow: readonly string[]): boolean =>
  allow.includes(path) || allow.includes(type);

/** What is lost, such as `ArtifactsBucket (AWS::S3::Bucket)`. */
export const lossName = ({ path, type }: Pick<Loss, 'path' | 'type'>): string => `${path} (${type})`;

/** The same with the id of the one that was there: where a policy of the template retains it, it goes on with its data, and nobody else knows of it. */
export const lossEntry = ({ path, type, physicalId }: Pick<Loss, 'path' | 'type' | 'physicalId'>): string =>
  physicalId === undefined ? lossName({ path, type }) : `${path} (${type}, ${physicalId})`;

/** A loss for people. */
export const lossText = (loss: Loss): string => `${loss.what} ${lossName(loss)}${loss.fate}`;

/**
 * The vendor's custom resources that an update certainly calls, by their logical ids: those that are made, and those of which a property gets another
 * value. One that refers to what is changed in place is in a change set, too, and mostly keeps its values: then it is not called.
 * @param changes all of a change set
 * @param within as in `lossesIn`
 */
export function customResourcesCalled(changes: readonly Change[], within = ''): string[] {
  const all = changes.flatMap(({ ResourceChange: change }) => change ?? []);
  const replaced = new Set(
    all.filter(({ Replacement }) => Replacement === 'True').map((change) => change.LogicalResourceId),
  );
  const isCertain = ({ Target, Evaluation, CausingEntity = '' }: ResourceChangeDetail) =>
    Target?.Attribute === 'Properties' && (Evaluation === 'Static' || replaced.has(CausingEntity.split('.')[0]));
  return all.flatMap(({ ResourceType = '', LogicalResourceId, Action, Details = [] }) => {
    if (!/^(Custom::|AWS::CloudFormation::CustomResource$)/.test(ResourceType)) return [];
    const isCalled = Action === 'Add' || (Action === 'Modify' && Details.some(isCertain));
    return isCalled ? [`${within}${LogicalResourceId}`] : [];
  });
}
