// What every language must say. A text holds {names} of what goes in; one that is missing fails the build.

/** By the categories of CLDR that the language has for whole numbers. `other` stands for the rest. */
export type Counted = { one?: string; other: string };

/** What a mail says if it is about one license, and if it is about several. */
interface OneOrMore {
  one: string;
  more: string;
}

/** A mail about one thing: its subject, its title, and its first paragraph. */
interface Answer {
  subject: string;
  title: string;
  words: string;
}

export interface Texts {
  /** For Intl. */
  locale: string;
  /** Between the parts of a list. */
  comma: string;
  instant: string;
  /** After a label. */
  colon: string;
  /** An end that is a date; this day is still included. */
  through: string;
  /** An end that is an instant. */
  until: string;
  today: string;
  /** Today, by the moment at which it is over. */
  todayAt: string;
  tomorrow: string;
  inDays: Counted;
  perpetual: string;
  unlimited: string;
  more: string;

  sender: string;
  hello: string;
  footer: OneOrMore;
  /** A license in a subject: its type and the end of its id. */
  which: string;
  offline: { lead: string; words: string };
  facts: {
    license: string;
    company: string;
    type: string;
    valid: string;
    grace: string;
    instances: string;
    services: string;
    requests: string;
    features: string;
    basics: string;
  };
  /** The mail with a link to the customer's site. */
  signIn: {
    subject: string;
    preheader: string;
    title: string;
    words: string;
    button: string;
    once: string;
    notYou: string;
    footer: string;
  };
  /** The mail that answers what a customer asked for on the customer's site. */
  answer: {
    /** What was asked for, after a colon. */
    renewal: string;
    seats: string;
    question: string;
    accepted: Answer;
    declined: Answer;
    answered: Answer;
    preheader: string;
    said: string;
    button: string;
  };
  /** To the other contacts of a customer, when one of them adds another. */
  contactAdded: Answer & { preheader: string; allow: string; wrong: string; button: string };
  /** To a contact whom another contact added. */
  confirm: Answer & { preheader: string; button: string; notYou: string };
  covers: string;
  /** Lines about one license of several: until when it is valid, and its grace period. */
  validEnd: string;
  graceEnd: string;
  noGrace: string;
  renewal: { heading: string; words: string; ask: string; subject: string };

  delivery: {
    subject: OneOrMore;
    title: OneOrMore;
    preheader: OneOrMore;
    intro: OneOrMore;
    perpetual: string;
    valid: string;
    key: string;
    secret: string;
    install: string;
    steps: [put: string, start: string, done: string];
  };
  renewed: {
    subject: OneOrMore;
    title: OneOrMore;
    preheader: string;
    thanks: string;
    valid: string;
    validMore: string;
    perpetual: string;
    grace: string;
    connected: string;
    nothing: string;
    others: string;
    put: OneOrMore;
  };
  changed: {
    subject: OneOrMore;
    title: OneOrMore;
    preheader: string;
    /** Before `since`, in the same paragraph. */
    words: OneOrMore;
    since: string;
    what: string;
    /** Labels of what was changed, and what their values are if they are null. */
    starts: string;
    issue: string;
    noEnd: string;
    days: Counted;
    versions: string;
    allVersions: string;
    installations: string;
    install: string;
  };
  warning: {
    subject: OneOrMore;
    title: OneOrMore;
    /** As the title, if the licenses end on different days: {when} is the first. */
    subjectFirst: string;
    titleFirst: string;
    preheader: string;
    preheaderMore: string;
    words: string;
    wordsMore: string;
    left: Counted;
    expires: string;
    valid: string;
    next: string;
    grace: string;
    stops: string;
    graceMore: string;
  };
  /** What a license entitles to ends, and the license goes on. */
  part: {
    subject: OneOrMore;
    title: OneOrMore;
    preheader: string;
    words: string;
    wordsMore: string;
    after: string;
  };
  expired: {
    subject: OneOrMore;
    title: OneOrMore;
    preheaderGrace: string;
    preheaderStopped: string;
    preheaderMore: string;
    words: string;
    wordsMore: string;
    was: string;
    grace: string;
    graceWords: string;
    stopped: string;
    stoppedWords: string;
    graceMore: string;
  };
}
