/** What a reviewer found. Lines count from 1; confidences are between 0 and 1. */
export type Findings = Readonly<{
  findings: readonly Readonly<{
    title: string;
    body: string;
    confidence: number;
    priority: number;
    file: string;
    lines: Readonly<{ start: number; end: number }>;
  }>[];
  correctness: string;
  explanation: string;
  confidence: number;
}>;
