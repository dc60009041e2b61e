//! Small word lists that are ours: calendars, titles, nationalities, products and what identifiers are made of.

/// Months by language.
pub(super) const MONTHS: &[(&str, &str)] = &[
    ("en", "January February March April May June July August September October November December"),
    ("en", "Jan Feb Mar Apr May Jun Jul Aug Sep Sept Oct Nov Dec"),
    ("de", "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
    ("fr", "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    ("es", "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
    ("it", "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
    ("pt", "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"),
    ("nl", "januari februari maart april mei juni juli augustus september oktober november december"),
];

/// Days of the week by language.
pub(super) const WEEKDAYS: &[(&str, &str)] = &[
    ("en", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    ("de", "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
    ("fr", "lundi mardi mercredi jeudi vendredi samedi dimanche"),
    ("es", "lunes martes miércoles jueves viernes sábado domingo"),
    ("it", "lunedì martedì mercoledì giovedì venerdì sabato domenica"),
    ("pt", "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo"),
    ("nl", "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag"),
];

/// Titles before a name.
pub(super) const TITLES: &str = "Mr. Mr Mrs. Mrs Ms. Ms Miss Dr. Dr Prof. Professor Sir Madam Herr Frau Monsieur Madame Mme M. Señor Señora Sr. Sra. \
    Don Doña Signor Signora Sig. Sig.ra Dott. Dottoressa Senhor Senhora Dona Dhr. Mevr. Meneer Mevrouw Rev. Capt. Sgt. Judge Senator";

/// Nationalities by language.
pub(super) const NATIONS: &[(&str, &str)] = &[
    (
        "en",
        "Afghan Albanian Algerian American Angolan Argentine Argentinian Armenian Australian Austrian Azerbaijani Bahraini Bangladeshi Belarusian \
         Belgian Bolivian Bosnian Botswanan Brazilian British Bulgarian Burmese Cambodian Cameroonian Canadian Chadian Chilean Chinese Colombian \
         Congolese Croatian Cuban Cypriot Czech Dane Danish Dominican Dutch Dutchman Ecuadorian Egyptian Emirati English Eritrean Estonian Ethiopian \
         Fijian Filipino Finn Finnish French Frenchman Gabonese Gambian Georgian German Ghanaian Greek Greenlander Greenlandic Guatemalan Guinean \
         Guyanese Haitian Honduran Hungarian Icelander Icelandic Indian Indonesian Iranian Iraqi Irish Irishman Israeli Italian Ivorian Jamaican \
         Japanese Jordanian Kazakh Kenyan Korean Kosovar Kurdish Kuwaiti Kyrgyz Laotian Latvian Lebanese Liberian Libyan Liechtensteiner Lithuanian \
         Luxembourger Macedonian Malagasy Malawian Malaysian Maldivian Malian Maltese Mauritanian Mauritian Mexican Moldovan Mongolian Montenegrin \
         Moroccan Mozambican Namibian Nepalese Nepali Nicaraguan Nigerian Norwegian Omani Pakistani Palestinian Panamanian Paraguayan Peruvian Polish \
         Pole Portuguese Qatari Romanian Russian Rwandan Salvadoran Samoan Saudi Scot Scottish Senegalese Serbian Singaporean Slovak Slovakian Slovene \
         Slovenian Somali Spaniard Spanish Sudanese Swazi Swede Swedish Swiss Syrian Taiwanese Tajik Tanzanian Thai Togolese Tunisian Turk Turkish \
         Turkmen Ugandan Ukrainian Uruguayan Uzbek Venezuelan Vietnamese Welsh Yemeni Zambian Zimbabwean European African Asian Arab Jewish Muslim \
         Catholic Protestant Hindu Buddhist Sikh",
    ),
    (
        "de",
        "deutsche österreichische schweizerische französische italienische spanische polnische türkische russische griechische dänische \
         schwedische niederländische belgische amerikanische britische chinesische japanische ungarische tschechische",
    ),
    (
        "fr",
        "français française allemand allemande italien italienne espagnol espagnole belge suisse anglais anglaise portugais portugaise turc russe",
    ),
    (
        "es",
        "español española alemán alemana francés francesa italiano italiana mexicano mexicana argentino argentina chileno peruano portugués ruso",
    ),
    ("it", "italiano tedesco francese spagnolo inglese portoghese russo cinese greco polacco svizzero austriaco"),
    ("pt", "brasileiro português alemão francês espanhol italiano inglês russo chinês angolano moçambicano"),
    ("nl", "Nederlandse Belgische Duitse Franse Italiaanse Spaanse Engelse Poolse Turkse Russische"),
];

/// Products, standards and tools: no organisation that counts.
pub(super) const PRODUCTS: &str = "Windows Linux Ubuntu Debian Fedora Android iOS macOS Chrome Firefox Safari Edge Excel Word PowerPoint Outlook Teams Slack \
    Zoom Docker Kubernetes Helm Terraform Ansible Jenkins Git GitHub GitLab Postgres PostgreSQL MySQL SQLite Redis Kafka Elasticsearch MongoDB \
    Nginx Apache Python Java JavaScript TypeScript Rust Go Ruby Swift Kotlin Scala React Angular Vue Svelte Django Flask Rails Spring Node.js \
    Webpack Vite Bootstrap Tailwind Photoshop Illustrator AutoCAD Jira Confluence Trello Notion Figma Tableau Grafana Prometheus OpenTelemetry \
    Unicode Bluetooth Ethernet USB Markdown Swagger OpenAPI GraphQL Cargo Clippy Maven Gradle Homebrew Wireshark Postman Jupyter NumPy Pandas \
    PyTorch TensorFlow Copilot ChatGPT Claude Gemini Llama Mistral Cedar Tokio Serde Hyper Axum Bash Zsh Vim Emacs Visual Studio Code IntelliJ";

/// What identifiers are made of.
pub(super) const PIECES: &str = "user account name token request response header body client server stream buffer parser lexer node tree list map set key value \
    index count size length offset start end first last next previous read write open close lock queue task worker pool thread event handler listener \
    manager factory builder service store cache session context config option setting error result status state code message text string byte chunk \
    file path folder url host port socket address local remote global default current total max min average sum test mock fixture helper util common \
    base abstract model view controller router schema table column row field record entry item page order invoice payment price cart product customer \
    rule policy label finding span match pattern score level limit window frame segment block chain hash digest sign verify encrypt decode encode load \
    save create update delete insert select filter sort merge split join copy move swap push pop peek poll wait notify retry timeout deadline clock timer";

/// Words that companies call themselves by.
pub(super) const TRADES: &str = "Capital Markets Partners Technologies Technology Credit Systems Health Healthcare Transit Logistics Media Labs Group Holdings \
    Ventures Energy Solutions Networks Software Consulting Foods Motors Airlines Insurance Bank Financial Securities Analytics Robotics Pharma Studios Design \
    Security Data Cloud Digital Mobile Games Travel Hotels Retail Stores Steel Mining Oil Gas Power Water Foundation Institute University Hospital Clinic \
    Council Trust Union Press Records Entertainment Investments Associates Advisors Equity Realty Properties Construction Engineering Industries International";

/// What companies end with.
pub(super) const FORMS: &str = "Inc Inc. Ltd Ltd. LLC PLC Corp Corp. Corporation Company Co. GmbH AG KG SE SA SARL SAS S.A. S.L. S.p.A. SRL B.V. N.V. AB AS ApS Oy Lda Ltda";

/// Syllables for made-up names of companies.
pub(super) const SYLLABLES: &str = "ro pa lu ci ve no ta mi ka zen tri per sin fy ly ax on ex vi va so lo qu in ty net co dex ra ble gen io ma ni ster wi lan do fin me bo";
