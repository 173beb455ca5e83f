import type { Texts } from "./texts.ts";

export const ja: Texts = {
  locale: "ja-JP",
  comma: "、",
  instant: "{date} {time}（UTC）",
  colon: "：",
  through: "{date}まで",
  until: "{date} {time}（UTC）まで",
  today: "本日",
  todayAt: "本日 {time}（UTC）に",
  tomorrow: "明日",
  inDays: { other: "{n}日後に" },
  perpetual: "無期限",
  unlimited: "無制限",
  more: "ほか{n}件",

  sender: "{product} ライセンス担当",
  hello: "{name} 様",
  footer: {
    one: "このメールは {company} 様のライセンス {id} についてお知らせするものです。ご不明な点は、このメールへの返信、または {contact} までお問い合わせください。",
    more: "このメールは {company} 様のライセンス{n}件についてお知らせするものです。ご不明な点は、このメールへの返信、または {contact} までお問い合わせください。",
  },
  which: "{type} {id}",
  offline: {
    lead: "ネットワークに接続できない場合：",
    words:
      "{product} で申請ファイルを作成し、{contact} までお送りください。接続なしでアクティベーションできるファイルをお返しします。",
  },
  facts: {
    license: "ライセンス",
    company: "会社名",
    type: "種類",
    valid: "有効期間",
    grace: "猶予期間",
    instances: "インスタンス数",
    services: "サービス数",
    requests: "1日のリクエスト数",
    features: "機能",
    basics: "基本機能のみ",
  },
  signIn: {
    subject: "{product} Licensing へのログイン",
    preheader: "リンクは{n}分間、要求したブラウザでのみ有効です。",
    title: "{product} Licensing へのログイン",
    words: "ライセンスのページへのリンクをお送りします。",
    button: "ログイン",
    once: "このリンクは一度だけ、{n}分以内に、要求したブラウザでのみ使えます。",
    notYou:
      "お心当たりがない場合、何もする必要はありません。そのブラウザがなければ、リンクは何も開きません。",
    footer: "ご質問は {contact} までお問い合わせください。",
  },
  answer: {
    renewal: "更新",
    seats: "合計{n}シート",
    question: "ご質問",
    accepted: {
      subject: "{product} に関するご依頼が完了しました：{what}",
      title: "ご依頼が完了しました",
      words: "ご依頼（{what}）が完了しました。",
    },
    declined: {
      subject: "{product} に関するご依頼はお受けできません：{what}",
      title: "ご依頼はお受けできません",
      words: "ご依頼（{what}）はお受けできません。",
    },
    answered: {
      subject: "{product} に関するご質問への回答",
      title: "ご質問への回答",
      words: "ライセンスのページでいただいたご質問にお答えします。",
    },
    preheader: "回答の内容と、その確認方法です。",
    said: "回答",
    button: "ご依頼を開く",
  },
  contactAdded: {
    subject: "{product} のライセンスに新しい連絡先：{name}",
    title: "新しい連絡先が追加されました",
    words: "{by} さんが {name}（{email}）を {company} の連絡先に追加しました。",
    preheader: "追加された方と、お客様にできることです。",
    allow: "メールアドレスは確認済みです。ログインするには、別の連絡先の承認が必要です。",
    wrong: "お心当たりがない場合は、連絡先のページで削除するか、{contact} までお問い合わせください。",
    button: "連絡先を開く",
  },
  confirm: {
    subject: "{product} Licensing のメールアドレスの確認",
    title: "メールアドレスの確認",
    words:
      "{company} の {by} さんが、{product} のライセンスに関するメールの受取人としてあなたを指定しました。",
    preheader: "{n}日以内に一度だけ押してください。",
    button: "確認する",
    notYou: "お心当たりがない場合、何もする必要はありません。確認がなければ、これ以上メールは届きません。",
  },
  covers: "ライセンスの内容",
  validEnd: "有効期間：{end}",
  graceEnd: "猶予期間：{end}",
  noGrace: "猶予期間なし",
  renewal: {
    heading: "更新の方法",
    words:
      "このメールへの返信、または {contact} までご連絡ください。更新後、接続されている環境は次回の通信時に新しいキーを自動で受け取ります。それ以外の環境には、新しいキーをメールでお送りします。",
    ask: "更新を申し込む",
    subject: "{product} ライセンス {ids} の更新について",
  },

  delivery: {
    subject: {
      one: "{product} ライセンスのお届け：{which}",
      more: "{product} ライセンス{n}件のお届け：{which}",
    },
    title: { one: "{product} ライセンスのお届け", more: "{product} ライセンス{n}件のお届け" },
    preheader: {
      one: "ライセンスキーと、3つの手順による導入方法をご案内します。{validity}",
      more: "ライセンスキーと、3つの手順による導入方法をご案内します。",
    },
    intro: {
      one: "{product} のライセンスをお届けします。キーは下記および添付ファイル {files} にあります。",
      more: "{product} のライセンス{n}件をお届けします。キーは下記および添付ファイル {files} にあります。",
    },
    perpetual: "有効期限はありません。",
    valid: "有効期間は{end}です。",
    key: "ライセンスキー",
    secret:
      "キーはパスワードと同じように大切に保管してください。キーを持つ人は、お客様に代わってインスタンスを有効にできます。",
    install: "導入方法",
    steps: [
      "添付ファイルを {product} がライセンスを読み込む場所に置くか、{product} のライセンス画面にキーを貼り付けます。",
      "{product} を起動します。",
      "以上で完了です。HTTPS を通じて自動的に有効になります。",
    ],
  },
  renewed: {
    subject: {
      one: "{product} ライセンスを更新しました：{which}",
      more: "{product} ライセンス{n}件を更新しました：{which}",
    },
    title: {
      one: "{product} ライセンスを更新しました",
      more: "{product} ライセンス{n}件を更新しました",
    },
    preheader: "{validity}接続されている環境での作業は必要ありません。",
    thanks: "引き続きご利用いただき、誠にありがとうございます。",
    valid: "新しい有効期間は{end}です。",
    validMore: "新しい有効期間：{end}",
    perpetual: "有効期限がなくなりました。",
    grace: "その後の猶予期間は{end}です。",
    connected: "接続されている環境",
    nothing: "作業は必要ありません。次回の通信時に新しいキーを自動で受け取ります。",
    others: "それ以外の環境",
    put: {
      one: "新しいキーは下記および添付ファイル {files} にあります。古いキーと置き換えるか、{product} のライセンス画面に貼り付けてください。",
      more: "新しいキーは下記および添付ファイル {files} にあります。それぞれ古いキーと置き換えるか、{product} のライセンス画面に貼り付けてください。",
    },
  },
  changed: {
    subject: {
      one: "{product} ライセンスの内容を変更しました：{which}",
      more: "{product} ライセンス{n}件の内容を変更しました：{which}",
    },
    title: {
      one: "{product} ライセンスの内容を変更しました",
      more: "{product} ライセンス{n}件の内容を変更しました",
    },
    preheader: "変更点をご案内します。{since}",
    words: { one: "ライセンスの内容を変更しました。", more: "ライセンスの内容を変更しました。" },
    since: "{at}から適用されます。",
    what: "変更点",
    starts: "有効期間の開始",
    issue: "発行時",
    noEnd: "無期限",
    days: { other: "{n}日" },
    versions: "対象となるバージョンの作成日",
    allVersions: "制限なし",
    installations: "ご利用の環境",
    install:
      "接続されている環境には次回の通信時に自動で反映され、現在のキーは引き続き使用できます。それ以外の環境には新しいファイルが必要です。{contact} までご連絡ください。",
  },
  warning: {
    subject: {
      one: "{product} ライセンスが{when}期限切れになります：{which}",
      more: "{product} ライセンス{n}件が{when}期限切れになります：{which}",
    },
    title: {
      one: "{product} ライセンスが{when}期限切れになります",
      more: "{product} ライセンス{n}件が{when}期限切れになります",
    },
    subjectFirst: "{product} ライセンス{n}件が、早いもので{when}期限切れになります：{which}",
    titleFirst: "{product} ライセンス{n}件が、早いもので{when}期限切れになります",
    preheader: "有効期間は{end}です。その後の動作と更新の方法をご案内します。",
    preheaderMore: "対象のライセンス、その後の動作、更新の方法をご案内します。",
    words: "ご利用中の {product} の {type} ライセンス（{id}）は、{when}期限切れになります。",
    wordsMore: "次の {product} ライセンスは、まもなく期限切れになります。",
    left: { other: "残り{n}日" },
    expires: "{when}期限切れ",
    valid: "有効期間：{end}",
    next: "その後の動作",
    grace:
      "すぐに停止することはありません。更新されない場合、{product} は猶予期間中（{end}）は引き続き動作し、その後停止します。",
    stops: "このライセンスには猶予期間がありません。更新されない場合、{product} は期限をもって停止します。",
    graceMore:
      "更新されない場合、猶予期間のあるライセンスではその間 {product} が引き続き動作し、その後停止します。",
  },
  part: {
    subject: {
      one: "{product} ライセンスの一部が{when}終了します：{which}",
      more: "{product} ライセンス{n}件の一部が、早いもので{when}終了します：{which}",
    },
    title: {
      one: "{product} ライセンスの一部が{when}終了します",
      more: "{product} ライセンス{n}件の一部が、早いもので{when}終了します",
    },
    preheader: "終了する内容、その後の動作、更新の方法をご案内します。",
    words: "ご利用中の {product} の {type} ライセンス（{id}）のうち、次の内容には期限があります。",
    wordsMore: "次の {product} ライセンスには、期限のある内容が含まれています。",
    after:
      "ライセンス自体は引き続き有効です。更新されない場合、{product} はその後、終了した内容なしで動作します。",
  },
  expired: {
    subject: {
      one: "{product} ライセンスの期限が切れました：{which}",
      more: "{product} ライセンス{n}件の期限が切れました：{which}",
    },
    title: {
      one: "{product} ライセンスの期限が切れました",
      more: "{product} ライセンス{n}件の期限が切れました",
    },
    preheaderGrace: "{product} は猶予期間中（{end}）は引き続き動作します。更新の方法をご案内します。",
    preheaderStopped: "猶予期間がないため、{product} は停止しました。更新の方法をご案内します。",
    preheaderMore: "対象のライセンスと、更新の方法をご案内します。",
    words:
      "ご利用中の {product} の {type} ライセンス（{id}）は、有効期間（{end}）が終了し、期限切れになりました。",
    wordsMore: "次の {product} ライセンスは、期限が切れました。",
    was: "有効期間：{end}",
    grace: "猶予期間：{end}",
    graceWords: "この間 {product} はこれまでどおり動作します。更新されない場合は、その後停止します。",
    stopped: "{product} は停止しました",
    stoppedWords: "このライセンスには猶予期間がありません。更新すると、{product} は再び動作します。",
    graceMore:
      "猶予期間中のライセンスでは、{product} はこれまでどおり動作し、猶予期間が終わると停止します。猶予期間のないライセンスでは停止しており、更新すると再び動作します。",
  },
};
