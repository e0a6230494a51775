import { type Access, AwsError, type Caller } from '../../core/operation.ts';
import type { Answer } from '../../http/protocols.ts';
import type { ObjectPlace, ObjectStore } from './object-store.ts';

export interface S3Parts {
  objects: ObjectStore;
  /** Now, in milliseconds since the epoch. */
  now: () => number;
  /** Asks IAM. @throws AwsError AccessDeniedException */
  authorize: (caller: Caller, access: Access) => void;
}

/** What S3 knows of a request when IAM has been asked. */
export interface S3Input {
  place: ObjectPlace;
  query: URLSearchParams;
  /** The names are in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
  caller: Caller | undefined;
}

export interface S3Operation {
  method: string;
  /** Whether it is about a bucket, and not about an object. */
  ofBucket: boolean;
  /** The parameter of the query that says that it is meant, if one does. */
  marker?: string;
  /** Parameters of its query beside that; any other one is refused. */
  parameters: readonly string[];
  /** What IAM is asked about the bucket or the object; nothing where the operation asks itself. */
  action?: string;
  run(input: S3Input): Answer;
}

export const denied = () => new AwsError('AccessDeniedException', 'Access Denied');
export const noSuchBucket = () => new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404);
