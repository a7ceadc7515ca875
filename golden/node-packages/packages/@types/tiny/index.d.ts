export function loud(text: string): string;
export function quiet(text: string): string;
