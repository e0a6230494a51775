import type { Stack, StackPlan } from '../stack.ts';

/** Why a property will change. https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html */
export interface ChangeDetail {
  Target: {
    Attribute: 'Properties' | 'Tags' | 'Metadata' | 'DeletionPolicy' | 'UpdateReplacePolicy';
    Name?: string;
    RequiresRecreation: Recreation;
  };
  Evaluation: 'Static' | 'Dynamic';
  ChangeSource: 'ResourceReference' | 'ParameterReference' | 'ResourceAttribute' | 'DirectModification' | 'Automatic';
  CausingEntity?: string;
}

export type Recreation = 'Never' | 'Conditionally' | 'Always';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html */
export interface ResourceChange {
  Action: 'Add' | 'Modify' | 'Remove';
  LogicalResourceId: string;
  PhysicalResourceId?: string;
  ResourceType: string;
  PolicyAction?: 'Delete' | 'Retain' | 'ReplaceAndDelete' | 'ReplaceAndRetain';
  Replacement?: 'True' | 'False' | 'Conditional';
  Scope: readonly ChangeDetail['Target']['Attribute'][];
  Details: readonly ChangeDetail[];
  /** That of a nested stack. */
  ChangeSetId?: string;
}

export interface ChangeSet {
  id: string;
  name: string;
  description?: string;
  type: 'CREATE' | 'UPDATE';
  stack: Stack;
  creationTime: Date;
  status: 'CREATE_PENDING' | 'CREATE_IN_PROGRESS' | 'CREATE_COMPLETE' | 'FAILED';
  statusReason?: string;
  executionStatus:
    | 'UNAVAILABLE'
    | 'AVAILABLE'
    | 'EXECUTE_IN_PROGRESS'
    | 'EXECUTE_COMPLETE'
    | 'EXECUTE_FAILED'
    | 'OBSOLETE';
  plan: StackPlan;
  /** The role that the call has passed; the stack keeps it. */
  roleArn?: string;
  onStackFailure?: Stack['onFailure'];
  includesNestedStacks: boolean;
  /** Of a nested stack: that of the stack that it is in, and the one at the top. */
  nestedIn?: { parentId: string; rootId: string };
  /** None before it is created. */
  changes: readonly ResourceChange[];
  /** What made it: another call with its name is refused unless it is the same. */
  input: string;
}
