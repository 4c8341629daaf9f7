package enum ManualPage {
    package static var text: String { "" }
}
