// Who is in the conversation.

export class People {
  constructor(me) {
    this.me = me;
    this.known = new Map();
  }

  take(participants) {
    this.known = new Map(participants.map((one) => [one.id, one]));
    this.logins = new Set(participants.map((one) => one.login));
  }

  logins = new Set();

  get login() {
    return this.known.get(this.me)?.login;
  }

  get moderates() {
    return this.known.get(this.me)?.moderates ?? false;
  }

  name(userId) {
    return this.known.get(userId)?.name ?? "Somebody";
  }

  /** A message keeps its sender's name, also when they have left. */
  nameOf(message) {
    return message.sender?.name ?? this.name(message.senderId);
  }
}
